//! What mail programs write by themselves, by language: "wrote", "On", "Original Message", "From". One line per language
//! or group of languages; the words are those of Gmail, Outlook, Apple Mail, Thunderbird, K-9, Roundcube, Yahoo, The Bat!.

/// Verbs of an introduction whose language separates its words.
pub const WROTE: &[&str] = &[
    "wrote|writes|has written|said|says",
    "Folgendes geschrieben|hat geschrieben|schrieben Sie|geschrieben|schrieb|schreibt|schreift|schrifft",
    "a écrit|a ecrit|avez écrit|écrit|écrivait|nous a dit",
    "ha escrito|escribió|escribio|escribe|escribía|va escriure|ha escrit|escribiu|escribeu",
    "escreveu|escreve|ha scritto|ha scrittu|hà scrittu|scrive|ha scribite|ha scrit",
    "het volgende geschreven|het geskryf|heeft geschreven|schreef|skreau|skreaun",
    "skrev följande|skrev følgende|skrev|skriver|skreiv|skrivaði|skrifaði",
    "napisał\\(a\\)|napisał/a|napisał\\(-a\\)|napisała|napisał|napisal|pisze|napisana przez",
    "napsal\\(a\\)|napsala|napsal|napísal\\(a\\)|napísala|napísal|píše",
    "je napisao/la|je napisao\\(la\\)|je napisao|je napisala|napisao je|napisala je|je napisal\\(a\\)|je napisal|napisal\\(a\\)|napisala|napisao|napisa|piše|sporoča",
    "написал\\(а\\)|написал\\(-а\\)|написала|написал|написали|пишет|писал\\(а\\)|писала|писали|писал|сообщил\\(а\\)|сообщает",
    "написав\\(ла\\)|написала\\(в\\)|написав|написала|пише|писав\\(ла\\)|писав|напісаў\\(ла\\)|напісаў|напісала|піша",
    "написа|написао/ла|је написао|је написала|написао|је написао/ла|напиша|пише",
    "kirjoitti|kirjutas|kirjutab|rakstīja|rašė|parašė",
    "ezt írta|a következőt írta|következőt írta|írta|kirjoittaa",
    "şunu yazdı|şunları yazdı|yazdı|yazmış|yazıb|yazdi|yozdi|yozgan",
    "a scris|scrie|έγραψε|έγραψαν|γράφει|ka shkruar|shkroi|shkruajti",
    "đã viết|viết|menulis|membalas|aliandika|ameandika|isinulat|isinulat ni|ubhale",
    "כתב/ה|כתב\\(ה\\)|כתבה|כתב|נכתב על ידי|נכתב על־ידי",
    "كتبت|كتب|كَتَب|جاء من|نوشت|نوشته است|نوشته|نے لکھا",
    "ने लिखा|ने लिहीले|ने लिहिले|লিখেছেন|এ লিখেছেন|எழுதியது|எழுதினார்|ఇలా రాసారు|വ്രാസినది|എഴുതി",
    "დაწერა|წერს|წერდა|գրել է|գրեց|жазды|жазған|жазган|бичсэн",
    "idatzi du|idatzi zuen|ysgrifennodd|scríobh|sgrìobh|skrivet gant|skribis|skribas",
];

/// The same where words stand next to each other without a blank.
pub const WROTE_UNSPACED: &[&str] = &[
    "写道|寫道|寫到|写到|的邮件|来信|来信写道|写了|寫了",
    "さんは書きました|さんが書きました|が書き込みました|のメール|さんのメール|からのメール|は書きました|より",
    "님이 작성|님이 쓴|님께서 작성|작성함|작성|이 씀|이\\(가\\) 쓴 글|이\\(가\\) 쓴 내용|가 쓴 글|쓴 글|님의 말",
    "เขียนว่า|เขียน|ຂຽນວ່າ|បាន\u{200b}សរសេរ|បានសរសេរ|ရေးခဲ့",
];

/// Words that an introduction opens with: on, at, on the day.
pub const OPENS: &[&str] = &[
    "on the|on|at|in message|in article|quoting|hi,? on",
    "am|den|le|el día|el dia|el|em|no dia|às|a las|a les|en date de|en|il giorno|il|lo|op",
    "dnia|w dniu|dana|dňa|dne|den|dňa|v|u|wiadomość napisana przez|użytkownik",
    "в сообщении|в|на|дана|у|від|во|от",
    "vào lúc|vào ngày|vào|ngày|pada|pe|la|în data de|în|la data|më|o|ekkor|je|kell|kuupäev r|kuupäev|datumā|þann|tann|ils|ar an|ar|noong|mnamo|ngomhlaka|d['’]an/ar",
    "στις|την|ב־|ב-|ב|בתאריך|ביום|بتاريخ|في|على|در تاریخ|در|كتب|نوشت",
    "ในวันที่|เมื่อ|នៅ|ເມື່ອ|在|于|於",
];

/// What says that a name is a user's.
pub const USER: &[&str] = &[
    "пользователь",
    "користувач",
    "užívateľ",
    "používateľ",
    "uživatel",
    "użytkownik",
    "osoba",
    "oseba",
    "χρήστης",
    "igorleak",
    "user",
    "usuario",
    "usuário",
    "utilisateur",
    "benutzer",
    "bruker",
    "käyttäjä",
    "kullanıcı",
];

/// What stands between the pieces of a date and of a name in introductions.
pub const BETWEEN: &[&str] = &[
    "at",
    "on",
    "the",
    "um",
    "uhr",
    "hat",
    "à",
    "à(s)",
    "às",
    "a",
    "las",
    "les",
    "le",
    "de",
    "del",
    "do",
    "dia",
    "alle",
    "ore",
    "om",
    "heeft",
    "het",
    "kl",
    "klo",
    "kello",
    "o",
    "godz",
    "dnia",
    "w",
    "dniu",
    "v",
    "ve",
    "u",
    "ob",
    "je",
    "jo",
    "г",
    "р",
    "год",
    "в",
    "во",
    "о",
    "об",
    "году",
    "році",
    "у",
    "на",
    "от",
    "від",
    "od",
    "από",
    "from",
    "von",
    "van",
    "tarihinde",
    "saatinde",
    "saat",
    "la",
    "ora",
    "orele",
    "στις",
    "ο",
    "η",
    "ο/η",
    "ის",
    "am",
    "pm",
    "a.m",
    "p.m",
    "gmt",
    "utc",
    "cet",
    "cest",
    "mez",
    "mesz",
    "est",
    "edt",
    "cst",
    "cdt",
    "mst",
    "mdt",
    "pst",
    "pdt",
    "brt",
    "msk",
    "bst",
    "ist",
    "eet",
    "eest",
    "vorm",
    "nachm",
    "π.μ",
    "μ.μ",
    "π.μ.",
    "keltezéssel",
    "időpontban",
    "ezt",
    "следующее",
    "folgendes",
    "lúc",
    "pukul",
    "egunean",
    "by",
    "에",
    "이",
    "가",
    "님이",
    "に",
    "於",
    "于",
];

/// Small words inside names.
pub const PARTICLES: &[&str] = &[
    "via",
    "van",
    "von",
    "der",
    "den",
    "de",
    "da",
    "di",
    "del",
    "della",
    "dos",
    "das",
    "do",
    "la",
    "le",
    "bin",
    "ibn",
    "al",
    "el",
    "und",
    "and",
    "y",
    "e",
    "zu",
    "zur",
    "of",
    "für",
    "ter",
    "ten",
    "af",
    "av",
    "через",
    "et",
    "&",
    "|",
    "@",
    "-",
    "–",
    "—",
];

/// Who may have written without having a name.
pub const PRONOUNS: &[&str] = &[
    "you", "i", "we", "he", "she", "they", "it", "вы", "ты", "я", "мы", "он", "она", "они", "ви", "ти", "він", "вона",
    "du", "sie", "ich", "wir", "er", "ihr", "vous", "tu", "il", "elle", "nous", "je", "on", "ils", "elles", "tú",
    "usted", "ustedes", "yo", "él", "ella", "ellos", "nosotros", "você", "eu", "ele", "ela", "lei", "lui", "io", "noi",
    "voi", "loro", "jij", "u", "ik", "hij", "zij", "wij", "ty", "pan", "pani", "vy", "on", "ona", "ja", "siz", "sen",
    "ben",
];

/// What an introduction without a verb opens with.
pub const QUOTING: &[&str] = &[
    "quoting|zitat von|citando a|citando|cita de|citation de|citazione di|quotando|citeren van|citat från|citerer|cytowanie|citace|цитирую|цитирование",
];

/// What marks the start of a mail that is carried along, between dashes.
pub const MARKS: &[&str] = &[
    "original message|original mail|mail original|ursprüngliche mail|courrier original|email originale|mail originale|original e-?mail|original text|reply message|forwarded message|forwarded mail|forwarded by .{1,60}",
    "ursprüngliche nachricht|original-?\\s?nachricht|original-?message|weitergeleitete nachricht",
    "message d['’]origine|message original|message initial|courriel original|courriel initial|e-?mail original|message transféré|message transmis|courriel transféré",
    "mensaje original|correo original|mensaje reenviado|mensaje transmitido|missatge original|missatge reenviat|mensaxe orixinal|mensaxe orixianl|mensaxe reenviada|mensaxe reunviáu",
    "mensagem original|mensagem encaminhada|mensagem reencaminhada|messaggio originale|messaggio inoltrato|messaghju d['’]origine",
    "oorspronkelijke? bericht|origineel bericht|originele bericht|orgineel bericht|doorgestuurd bericht|orizjineel berjocht|oarspronklik berjocht|trochstjoerd berjocht|oorspronklike boodskap|aangestuurde boodskap",
    "исходное сообщение|оригинальное сообщение|исходное письмо|пересылаемое сообщение|пересланное сообщение|перенаправленное сообщение|конец пересылаемого сообщения|пересылаемое письмо",
    "оригінальне повідомлення|початкове повідомлення|вихідне повідомлення|переслане повідомлення|зыходны ліст|зыходнае паведамленне|арыгінальнае паведамленне|перанакіраванае паведамленне",
    "оригинално писмо|оригинално съобщение|препратено писмо|препратено съобщение|оригинална порука|изворна порука|прослеђена порука|оригинална порака|препратена порака",
    "(?:treść )?oryginaln(?:a|ej) wiadomoś(?:ć|ci)|wiadomość oryginalna|treść przekazanej wiadomości|przekazana wiadomość|wiadomość przekazana dalej",
    "původní (?:zpráva|e-?mail)|přeposlaná zpráva|pôvodná správa|pôvodný e-?mail|preposlaná správa",
    "originalna poruka|izvorna poruka|proslijeđena poruka|prosleđena poruka|izvirno sporočilo|izvorno sporočilo|posredovano sporočilo",
    "ursprungligt meddelande|originalmeddelande|vidarebefordrat meddelande|oprindelig meddelelse|original besked|videresendt meddelelse|videresendt besked|opprinnelig melding|original melding|videresendt melding|opphavleg melding|vidaresend melding|upprunaleg skilaboð|upprunalegur póstur|áframsent skeyti|áframsendur póstur",
    "alkuperäinen viesti(?: / orig\\.msg\\.)?|edelleenlähetetty viesti|välitetty viesti(?: / fwd\\.msg)?|algne kiri|esialgne kiri|edastatud kiri|edastatud sõnum|sākotnējā (?:ziņa|vēstule)|pārsūtītā (?:ziņa|vēstule)|originalus (?:tekstas|laiškas)|persiųstas laiškas",
    "eredeti üzenet|továbbított üzenet|özgün [iİ]leti|orijinal (?:mesaj|[iİ]leti|məktub)|asıl [iİ]leti|[iİ]letilen [iİ]leti|yönlendirilen (?:mesaj|ileti)|yönləndirilmiş mesaj|asl xat|asl xabar|uzatilgan xabar",
    "mesaj(?:ul)? (?:original|inițial|redirecționat|trimis mai departe)|mesazhi origjinal|mesazhi i përcjellë|πρωτότυπο μήνυμα|αρχικό μήνυμα|προωθημένο μήνυμα",
    "pesan (?:asli|orisinal|diteruskan|terusan|yang diteruskan)|mesej (?:asal|dikirim semula)|thư gốc|thư gửi gốc|tin nhắn (?:gốc|đã được chuyển tiếp)|thư đã chuyển tiếp",
    "הודעה מקורית|ההודעה המקורית|הודעה שהועברה|الرسالة الأصلية|الرسالة الأصليَّة|الرسالة الأساسية|رسالة معاد توجيهها|رسالة مُعاد توجيهها|الرسالة المعاد توجيهها|رسالة ممرّرة|پیام اصلی|پیام نخستین|پیام باز ارسال شده",
    "मूल संदेश|पुराना मैसेज|अग्रेषित संदेश|ข้อความเดิม|ข้อความต้นฉบับ|ข้อความที่ส่งต่อ|საწყისი (?:მესიჯი|წერილი)|ორიგინალი შეტყობინება|გადაგზავნილი (?:შეტყობინება|წერილი)|бастапқы хабар|түпнұсқа хабарламасы|қайта жіберілген хабар|բնօրինակ նամակը|նախորդ հաղորդագրութիւնը|փոխանցված հաղորդագրություն",
    "jatorrizko mezua|birbidalitako mezua|neges wreiddiol|bunteachtaireacht|an teachtaireacht bhunaidh|teachtaireacht bhunaidh|an teachdaireachd thùsail|kemennadenn orin(?:el)?|originala mesaĝo",
    "原始邮件|原始消息|原邮件|转发邮件|转发的邮件|转发的消息|原始郵件|原郵件|原始訊息|轉寄郵件|轉寄的郵件",
    "元のメッセージ|元メール|オリジナルメッセージ|元のメール|転送メッセージ|転送されたメッセージ|원본 메시지|원본 메일|원본 이메일|전달된 메시지|전달된 메일",
];

/// What Apple Mail writes above a mail that is carried along.
pub const FORWARDS: &[&str] = &[
    "begin forwarded message|début du message (?:transféré|réexpédié)|anfang der weitergeleiteten (?:nachricht|e-?mail)|inicio del mensaje reenviado|inizio messaggio inoltrato|início da mensagem (?:encaminhada|reenviada)",
    "начало переадресованного сообщения|начало пересылаемого сообщения|початок листа, що пересилається|begin doorgestuurd bericht|vidarebefordrat brev|videresendt melding|start på videresendt besked|początek przekazanej wiadomości|začátek přeposílané zprávy|začiatok preposlanej správy",
    "välitetty viesti alkaa|továbbított levél kezdete|iletilen ileti başlangıcı|început mesaj redirecționat|αρχή προωθημένου μηνύματος|započetak proslijeđene poruke|inici del missatge reenviat|bắt đầu thư được chuyển tiếp|mulai pesan terusan|תחילת ההודעה שהועברה|بداية الرسالة المُعاد توجيهها|เริ่มข้อความที่ส่งต่อ|下面是被转发的邮件|以下為轉寄的郵件|開始轉寄郵件|転送されたメッセージ|전달된 메시지",
];

/// The header that says who wrote, and its like, none of which tells a mail's block from a person's own list.
pub const HEADERS: &[&str] = &[
    "from|sender|date|to|cc|bcc|reply-to|reply to|importance|priority|attachments",
    "von|datum|an|kopie|antwort an|vun|un",
    "de|date|à|a|cci|cc i|répondre à|envoyé par|pour|copie à|expéditeur|destinataire",
    "para|fecha|remitente|destinatario|copia|responder a|a/c|per a|data|dende|pa",
    "data|da|a|mittente|destinatario|para|cópia|responder para|rispondi a|di",
    "van|datum|aan|kopie|afzender|ontvanger|fan|oan",
    "från|till|kopia|datum|mottagare|fra|til|kopi|dato|afsender|modtager|avsender|mottaker|frå|frá|afrit|dagsetning|tann",
    "lähettäjä|vastaanottaja|kopio|päiväys|päivämäärä|saatja|saaja|kellelt|kellele|koopia|kuupäev|kas|kam|no|datums|nuo|data|siuntėjas|gavėjas|kopija",
    "od|do|data|dw|komu|kopie|datum|kópia|dátum|za|kp|adresát|odesílatel|odosielateľ|pošiljatelj|prejemnik|šalje|prima|kome",
    "от|дата|кому|копия|от кого|копія|від|від кого|ад|каму|копія|до|копие|од|за|копија|датум|испраќач",
    "feladó|címzett|másolat|dátum|gönderen|kime|kimden|alıcı|bilgi|tarih|kimdən|kimə|tarix|kimdan|kimga|sana",
    "de la|către|la|copie|expeditor|destinatar|data|από|προς|κοιν|κοινοποίηση|ημερομηνία|αποστολέας|nga|për|datë",
    "dari|kepada|tanggal|daripada|tarikh|từ|tới|đến|ngày|gửi từ|người gửi|người nhận|đồng gửi",
    "מאת|אל|תאריך|עותק|לידיעה|من|إلى|الى|التاريخ|نسخة|نسخة إلى|المرسل|المستقبل|مِن|از|به|تاریخ|رونوشت|فرستنده|گیرنده",
    "प्रेषक|प्रति|दिनांक|से|को|तारीख|จาก|ถึง|วันที่|สำเนา|ვისგან|ვის|გამგზავნი|მიმღები|თარიღი|ասլი|ումից|ում|ամսաթիվ|кімнен|кімге|күні",
    "nork|nori|oddi wrth|dyddiad|ó|chuig|a-berzh|al|kopio|dato",
    "发件人|收件人|抄送|日期|回复至|寄件者|寄件人|收件者|收件人|副本|日期|差出人|送信者|発信者|宛先|日付|日時|보낸 사람|보낸사람|받는 사람|받는사람|참조|날짜",
];

/// Of these, one is in every block: a person's own list may have a From, a To and a Date.
pub const TELLING: &[&str] = &[
    "sent|subject|gesendet|betreff|verschéckt|sujet",
    "envoyé|envoyé le|objet|enviado|enviado el|enviados|asunto|asuntu|enviat|enviat el|assumpte|tema",
    "enviado em|enviada em|enviada|assunto|inviato|inviato il|inviata|oggetto|ogjet|mandatu|sughjettu",
    "verzonden|onderwerp|ferstjoerd|underwerp|ûnderwerp|gestuur|skickat|skickad|ämne|sendt|emne|viðfangsefni|efni|evni|sent",
    "lähetetty|aihe|saadetud|teema|pealkiri|nosūtīts|temats|tēma|tema|išsiųsta",
    "wysłano|wysłane|temat|odesláno|odesílatel|předmět|odoslané|odoslaná|predmet|poslano|poslana|zadeva|naslov",
    "отправлено|тема|надіслано|відправлено|адпраўлена|тэма|изпратено|изпратени|относно|заглавие|послато|наслов|испратено|предмет",
    "elküldve|küldve|tárgy|gönderildi|gönderilme|gönderilme tarihi|gönderme tarihi|konu|göndərildi|mövzu|mavzu",
    "trimis|trimis la|subiect|subiectul|στάλθηκε|αποστολή|θέμα|dërguar|dërguar më|subjekt",
    "terkirim|dikirim|subjek|perihal|judul|dihantar|đã gửi|chủ đề|tiêu đề",
    "נשלח|נושא|تم الإرسال|أرسلت|تاريخ الإرسال|الموضوع|ارسال|ارسال شده|موضوع",
    "भेजा गया|विषय|सबजेक्ट|ส่ง|ส่งแล้ว|ส่งเมื่อ|เรื่อง|หัวเรื่อง|გაიგზავნა|საგანი|თემა|სათაური|ուղարկված|վերնագիր|վերնագիրը|жіберілді|тақырыбы|тақырып",
    "bidalita|gaia|anfonwyd|pwnc|seolta|ábhar|air a chur|cuspair|kaset|danvez|sendita je|temo",
    "发送时间|发送日期|已发送|主题|主旨|寄件日期|寄送日期|傳送時間|已傳送|送信日時|送信日|送信|件名|보낸 날짜|보냄|보낸 시간|제목",
];

/// What a phone or program says before its own name: sent from.
pub const SENT_FROM: &[&str] = &[
    "sent (?:from|via|with|using|by|on|through)|send from|get|written (?:on|with|from)|typed on|from my",
    "gesendet (?:von|mit|über|aus|via)|versendet (?:von|mit)|diese (?:nachricht|e-?mail) wurde (?:von|mit)|geschrieben (?:auf|mit)|geschéckt vun|geschéckt vu",
    "envoyé (?:depuis|de|à partir d[eu]|à l['’]aide de|avec|par|via)|provenance|télécharger|obtenir|message envoyé (?:depuis|de|à partir de)",
    "enviado (?:desde|con|por|a través de|usando|mediante|vía|via)|enviat (?:des de|des del|amb|via)|mandado desde|obtener|escrito desde|enviado desde o",
    "enviado (?:do|da|de|com|pelo|pela|a partir do)|enviada (?:do|da|pelo)|obter(?: o)?|obtenha(?: o)?",
    "inviato (?:da|dal|dallo|con|tramite|usando)|inviata (?:da|dal)|scarica|ottieni",
    "trimis (?:de pe|din|de la|cu|prin)|obțineți",
    "verzonden (?:vanaf|vanuit|met|via|van)|verstuurd (?:vanaf|van|vanuit|met|via)|outlook voor|download|gestuur van(?:af)?|ferstjoerd fanôf",
    "skickat (?:från|med|via)|skickades från|sendt (?:fra|med|via)|sent frå|sendt frå|hämta|hent|få|sent úr",
    "lähetetty(?: minun)?|hanki|saadetud(?: minu)?|nosūtīts no|nosūtīta no|išsiųsta (?:iš|naudojant)|siųsta iš",
    "wysłan[eoy] (?:z|ze|za pomocą|przez)|wysłane? z|wiadomość wysłana z|pobierz|odesláno (?:z|ze|pomocí)|odoslané (?:z|zo|pomocou)|posláno (?:z|ze)|poslané z|získat|získajte",
    "poslano (?:s|sa|iz|z|preko)|poslato (?:sa|s|iz|preko)|послато (?:са|с|из|преко)|испратено од|изпратено (?:от|с|чрез|през)|poslano z",
    "отправлено (?:с|со|из|через|от|при помощи|с помощью|в)|отправлена (?:с|из)|послано (?:с|со|из)|написано (?:с|в)|надіслано (?:з|із|зі|через|за допомогою)|відправлено (?:з|із|зі|через)|адпраўлена (?:з|са)|скачать|завантажити",
    "elküldve(?: az?)?|küldve|gönderen:|gönderildi|dikirim (?:dari|menggunakan|melalui)|dihantar dari(?:pada)?|đã gửi (?:từ|bằng)|được gửi từ|gửi từ",
    "στάλθηκε (?:από|με|μέσω)|εστάλη (?:από|με)|απεσταλμένο από|dërguar nga|bidalita",
    "נשלח (?:מ-?|מה-?|מתוך|באמצעות)|أُ?رسلت? من|تم الإرسال من|مرسل من|ارسال شده (?:از|با)|فرستاده شده از",
    "ส่งจาก|გაგზავნილია|გამოგზავნილია|ուղարկված է|жіберілген",
    "发自我?的?|发送自|来自|从|寄自|從我?的?|傳送自|自我的",
];

/// What a phone or program says behind its own name.
pub const FROM_SENT: &[&str] = &[
    "gesendet|verzonden|verschickt|verstuurd|küldve|küldött|elküldve|gönderildi|gönderilmiştir|göndərildi|bidalita|kaldı|herunterladen|edinin|beszerzése",
    "से भेजा गया|से भेजा|থেকে পাঠানো|இலிருந்து அனுப்பப்பட்டது|გაგზავნილია|ից ուղարկված",
    "から送信|から送信されました|より送信|で送信|を入手する|を入手|에서 보냄|에서 보낸 메일|에서 보내기|전송됨|傳送|传送|寄出|发送|發送|发出|发送的邮件",
];

/// Devices and programs that put such a line under a mail.
pub const DEVICES: &str = r"iphon|ipad|ipod|\bios\b|android|samsung|galaxy|xiaomi|小米|redmi|红米|huawei|华为|honor|oppo|vivo|oneplus|realme|motorola|\bmoto\b|pixel|nokia|blackberry|sony|xperia|lumia|\bhtc\b|\blg\b|tablet|планшет|smart-?\s?phone|smartfon|смартфон|cell\s?phone|mobile|мобильн|мобільн|handy\b|mobil|móvil|movil|celular|portable|téléphone|telefon|телефон|telefoon|telefono|teléfono|puhelin|手机|手機|携帯|휴대|스마트폰|smartphone|outlook|yahoo|gmail|proton|k-9|aqua\s?mail|airmail|sparrow|thunderbird|fairemail|\bspark\b|superhuman|windows|mail\.ru|яндекс|yandex|почт|mailbird|\bem client|bluemail|blue mail|my\sphone|a\sphone|\bmail\b|icloud|\bgmx\b|web\.de|t-online|orange|\bqq邮箱|网易|foxmail|droid|mailbox|mailspring|polymail|edison|\bnine\b|typeapp|typemail|maildroid|mymail|posteo|tuta|fastmail|zoho|avast|\baol\b";

/// What asks to forgive a short mail, behind such a line.
pub const BREVITY: &str = r"brevity|typos|auto-?correct|tippfehler|kürze|brièveté|concision|fautes|brevedad|brevetat|errores|brevidade|erros|brevità|brevitatea|concizia|beknopt|typfouten|kortfattet|kortfattad|kort\s|lyhy|lühid|īs|trump|zwięzłość|krótk|stručnost|stručnosť|kratko|кратк|опечатк|стисл|лаконічн|сажет|rövid|tömör|kısa|singkat|ngắn|συντομία|תמצית|قصر|إيجاز|簡潔|简洁|简短|簡短|간단|간략";

/// One pattern of them all, the longest first, so that none hides behind its own beginning.
pub fn any_of(lists: &[&[&str]]) -> String {
    let mut words: Vec<&str> = lists.iter().copied().flatten().flat_map(|line| alternatives(line)).collect();
    words.sort_unstable_by_key(|word| std::cmp::Reverse(word.len()));
    words.dedup();
    format!("(?:{})", words.join("|"))
}

/// The alternatives of a line, those in brackets left together.
fn alternatives(line: &str) -> Vec<&str> {
    let (mut found, mut from, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in line.char_indices() {
        match c {
            '(' if !line[..at].ends_with('\\') => depth += 1,
            ')' if !line[..at].ends_with('\\') => depth -= 1,
            '|' if depth == 0 => {
                found.push(&line[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    found.push(&line[from..]);
    found
}
