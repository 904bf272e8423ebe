//! What people write above their name at the end of a mail, by language.

/// Regards: words that say nothing but that the mail ends.
pub const REGARDS: &[&str] = &[
    "(?:with )?(?:best|kind|kindest|warm|warmest|many|friendly)? ?regards|best wishes|all the best|all best|best|cheers|br|kr|rgds|yours|yours (?:truly|sincerely|faithfully)|(?:very )?(?:sincerely|truly|respectfully)(?: yours)?|warmly|cordially|take care|greetings",
    "(?:mit )?(?:freundlichen|besten|vielen|lieben|herzlichen|schönen|sonnigen) grü(?:ß|ss)en?|(?:viele|liebe|beste|schöne|herzliche|freundliche|sonnige) grü(?:ß|ss)e|(?:schönen |lieben |viele )?gru(?:ß|ss)|grü(?:ß|ss)e|mfg|lg|vg|bg|mit herzlichem gru(?:ß|ss)|hochachtungsvoll|ihre?|euer|eure|dein|deine",
    "(?:bien |très )?cordialement(?: vôtre)?|cdt|cdlt|bien à (?:vous|toi)|(?:meilleures|sincères) salutations|salutations(?: distinguées| cordiales)?|bonne journée|amicalement|sincèrement|bises|à bientôt|respectueusement",
    "(?:un )?(?:cordial |afectuoso )?saludos?(?: cordial(?:es)?)?|un saludo(?: cordial)?|saludos(?: cordiales)?|atentamente|atte|cordialmente|un abrazo|abrazos|un fuerte abrazo|reciba un cordial saludo|salutacions(?: cordials)?|cordialment|atentament|un saúdo|saúdos|agur bero bat|ondo izan|agur",
    "atenciosamente|att|at\\.te|(?:com os )?(?:melhores|meus) cumprimentos|cumprimentos|cordialmente|abraços?|um abraço|saudações|respeitosamente",
    "(?:cordiali|distinti|cari) saluti|(?:un )?(?:cordiale |caro )?saluto|saluti(?: cordiali)?|un cordiale saluto|cordialmente|a presto|buona giornata",
    "cu (?:stimă|respect|drag|considerație)|(?:toate )?cele bune|numai bine|salutări|o zi bună",
    "(?:met )?(?:vriendelijke|hartelijke) groet(?:en)?|(?:vriendelijke )?groet(?:en|jes)?|mvg|gr|hoogachtend|vriendelike groete|groete|mei freonlike groetnis",
    "(?:med )?(?:vänliga|vänlig|bästa) hälsning(?:ar|en)?|hälsningar?|vänligen|mvh|(?:med )?(?:venlig|venlige|kærlig|bedste) hilsen(?:er)?|(?:med )?(?:vennlig|beste) hilsen|hilsen|vennlig helsing|vh|kh|hälsar|(?:bestu )?kveðjur?|(?:með )?(?:bestu|vinsamlegri) kveðju",
    "(?:ystävällisin|parhain|hyvin|terveisin) ?(?:terveisin|terveisiä)?|terveisin|terv|yst\\.? ?terv|lugupidamisega|parimate soovidega|tervitades|tervitustega|ar cieņu|ar sveicieniem|pagarbiai|su pagarba|geriausi linkėjimai",
    "(?:z )?(?:poważaniem|wyrazami szacunku|pozdrowieniami)|(?:serdecznie )?pozdrawiam(?: serdecznie)?|pozdrowienia|pzdr|łączę pozdrowienia",
    "s (?:pozdravem|úctou|přáním hezkého dne|pozdravom|úctou)|pozdravy?|hezký den|pekný deň|zdraví",
    "(?:srdačan |lep )?pozdrav(?:i)?|srdačno|lijep pozdrav|s poštovanjem|lep pozdrav|lp|s spoštovanjem|(?:срдачан )?поздрав|с поштовањем|поздрави?|со почит",
    "(?:с |с наилучшими |с найкращими )?(?:уважением|пожеланиями|наилучшими пожеланиями|уважение|приветом)|с ув\\.?|с наил\\.? ?пож\\.?|всего (?:доброго|хорошего|наилучшего)|до свидания|ваша?|искренне ваша?|хорошего дня|з (?:повагою|найкращими побажаннями)|щиро ваша?|гарного дня|з пов\\.?|з павагай|с поздрав|поздрави|с най-добри пожелания|всичко хубаво",
    "(?:szívélyes )?üdvözlettel|üdv|tisztelettel|szép napot|köszöntéssel|saygılarımla|saygılar(?:ımızla)?|iyi (?:çalışmalar|günler)|sevgiler|selamlar|kolay gelsin|hörmətlə",
    "με εκτίμηση|φιλικά|χαιρετισμούς|με φιλικούς χαιρετισμούς|me respekt|të fala|përshëndetje",
    "hormat (?:saya|kami)|salam(?: hangat)?|yang benar|trân trọng|thân mến|kính thư|kính chào|thân",
    "בברכה|בכבוד רב|תודה ובברכה|كل التحية|مع (?:أطيب )?التحيات|مع التحية|تحياتي|مع خالص التحية|وتفضلوا بقبول فائق الاحترام|با احترام|با تشکر و احترام",
    "सादर|भवदीय|धन्यवाद सहित|ขอแสดงความนับถือ|ด้วยความเคารพ|პატივისცემით|საუკეთესო სურვილებით|հարգանքով|құрметпен",
    "此致|敬礼|祝好|顺颂商祺|此致敬礼|敬上|謹上|敬啟|よろしくお願い(?:いた)?します|よろしくお願い申し上げます|宜しくお願い(?:いた|致)します|以上|敬具|드림|올림|안녕히 계세요",
];

/// Thanks, that may end a mail as well, but say something.
pub const THANKS: &[&str] = &[
    "(?:many |best )?thanks(?: again| a lot| so much| in advance)?|thank you(?: very much| so much| again| in advance)?|thx|ty|tia",
    "(?:vielen |besten |herzlichen )?dank(?: im voraus| und (?:viele )?grü(?:ß|ss)e)?|danke(?: und gru(?:ß|ss)| schön)?|merci(?: beaucoup| d['’]avance)?",
    "(?:muchas )?gracias(?: de antemano| y saludos)?|moltes gràcies|gràcies|grazas|muito obrigad[oa]|obrigad[oa]|grazie(?: mille)?|mulțumesc|mulțumim|eskerrik asko",
    "bedankt|dank je|dank u(?: wel)?|alvast bedankt|tack(?: på förhand)?|tak(?: på forhånd)?|takk|kiitos|kiitoksin|aitäh|paldies|ačiū|takk fyrir",
    "dziękuję|dziękujemy|dzięki|z góry dziękuję|děkuji|děkujeme|díky|ďakujem|ďakujeme|hvala|hvala lepa|хвала",
    "(?:большое |заранее )?спасибо(?: большое| заранее)?|благодарю|благодарим|дякую|дякуємо|дзякуй|благодаря|благодарам",
    "köszönöm|köszönettel|köszönjük|teşekkürler|teşekkür ederim|ευχαριστώ|ευχαριστώ πολύ|faleminderit|terima kasih|makasih|cảm ơn|תודה|תודה רבה|شكرا|شكرًا|ممنون|با تشکر|متشکرم|धन्यवाद|ขอบคุณ(?:ครับ|ค่ะ)?|მადლობა|შნորհակալություն|рахмет",
    "谢谢|多谢|謝謝|感謝|ありがとうございます|ありがとうございました|감사합니다|고맙습니다",
];
