//! Subjects that answering machines write, by language: Exchange's, Gmail's, those of webmails and of people's own notices.

/// "Automatic reply", "out of office": before a colon, or alone.
pub const ABSENT: &[&str] = &[
    r"auto(?:matic)?[\s-]?(?:reply|response|answer|antwort|responder|reply message)|auto|automated (?:reply|response)",
    r"out of (?:the )?office(?: (?:auto-?reply|reply|message|notification|response|notice))?|ooo|o\.o\.o\.?|away from (?:my|the) (?:desk|office|mail)|away|on (?:vacation|holiday|leave|annual leave)|vacation (?:reply|response|message|notice|notification|auto-?reply)|(?:i am|i['’]m|we are) (?:currently )?(?:out of (?:the )?office|on (?:vacation|holiday|leave|annual leave|maternity leave|parental leave)|away)",
    r"automatische (?:antwort|rückantwort|e-?mail|eingangsbestätigung)|abwesenheits(?:notiz|meldung|nachricht|assistent|benachrichtigung|hinweis)|abwesend|abwesenheit|nicht im (?:büro|haus)|außer haus|ich bin (?:im urlaub|nicht im büro|abwesend|außer haus|in elternzeit)|urlaubsvertretung",
    r"réponse automatique|(?:absence|absent|absente) du bureau|absent\(e\)|message d['’]absence|notification d['’]absence|avis d['’]absence|je suis (?:en congés?|en vacances|absente?|absent\(e\)|absente? du bureau)|absence du bureau",
    r"respuesta autom[aá]tica|contestaci[oó]n autom[aá]tica|fuera de (?:la )?oficina|ausente(?: de la oficina)?|mensaje de ausencia|aviso de ausencia|notificaci[oó]n de ausencia|estoy (?:de vacaciones|fuera de la oficina|ausente|de baja)|resposta automàtica|fora de l['’]oficina|estic de vacances|de vacaciones",
    r"resposta autom[aá]tica|fora do escrit[oó]rio|ausente do escrit[oó]rio|ausência tempor[aá]ria|aus[eê]ncia do escrit[oó]rio|mensagem de aus[eê]ncia|aviso de aus[eê]ncia|estou (?:de f[eé]rias|em f[eé]rias|fora do escrit[oó]rio|ausente)|em f[eé]rias",
    r"risposta automatica|fuori (?:ufficio|sede)|(?:messaggio|avviso|notifica) di assenza|assente|sono (?:in ferie|in vacanza|fuori ufficio|assente)|in ferie",
    r"răspuns automat|în afara biroului|(?:sunt|în) (?:în )?concediu|absent din birou|mesaj automat",
    r"automatisch (?:antwoord|bericht)|automatische reactie|afwezigheids(?:bericht|melding|assistent)|afwezig|niet aanwezig|niet op kantoor|ik ben (?:met vakantie|afwezig|op vakantie|niet op kantoor)|out-of-office",
    r"autosvar|automatiskt svar|frånvaro(?:meddelande)?|frånvarande|ej på kontoret|jag är på semester|automatisk svar|automatisk besvarelse|ikke til stede|ikke på kontoret|fraværsmelding|fraværsbesked|fravær|jeg er på ferie|på ferie|sjálfvirkt svar",
    r"automaattinen vastaus|poissa(?: toimistosta)?|poissaoloviesti|poissaoloilmoitus|olen lomalla|lomalla|automaatvastus|kontorist väljas|olen puhkusel|automātiskā atbilde|esmu atvaļinājumā|automatinis atsakymas|atostogauju|esu atostogose",
    r"odpowied[zź] automatyczna|automatyczna odpowied[zź]|autoodpowied[zź]|poza biurem|nieobecny|nieobecna|nieobecność w biurze|(?:jestem )?na urlopie|urlop",
    r"automatick[áa] odpove[ďd]ě?|automatická odpověď|automatická odpoveď|mimo kancelář|mimo kanceláriu|nejsem v kanceláři|jsem na dovolené|som na dovolenke|na dovolené",
    r"automatski odgovor|samodejni odgovor|izvan ureda|nisam u uredu|odsoten|na godišnjem odmoru|аутоматски одговор|автоматски одговор|автоматичен отговор|извън офиса|в отпуск",
    r"автоматический ответ|автоматическое (?:сообщение|уведомление)|автоответ(?:чик)?|нет на (?:месте|работе)|отсутствую(?: на (?:месте|работе))?|отсутствует на рабочем месте|вне офиса|(?:я |мы )?в отпуске|на больничном|меня нет на (?:месте|работе)",
    r"автоматична відповідь|автовідповідь|автовідповідач|немає на (?:місці|роботі)|відсутн(?:ій|я)(?: на (?:місці|роботі))?|поза офісом|(?:я )?у відпустці|аўтаматычны адказ",
    r"automatikus (?:válasz|üzenet)|házon kívül|távollét(?:i értesítés)?|szabadságon vagyok|szabadságon|irodán kívül",
    r"otomatik (?:yanıt|cevap)|ofis dışında|[iİ]ş yeri dışında|[iİ]zindeyim|yıllık izin(?:deyim)?|avtomatik cavab",
    r"αυτόματη απάντηση|εκτός γραφείου|(?:είμαι )?σε άδεια|përgjigje automatike|erantzun automatikoa|bulegotik kanpo|balasan otomatis|jawaban otomatis|balasan automatik|sedang cuti|di luar kantor|trả lời tự động|phản hồi tự động|vắng mặt",
    r"תשובה אוטומטית|מענה אוטומטי|מחוץ למשרד|אני בחופשה|رد تلقائي|الرد التلقائي|رد آلي|خارج المكتب|أنا في إجازة|پاسخ خودکار|پاسخ اتوماتیک",
    r"स्वचालित उत्तर|स्वत: उत्तर|ऑटो रिप्लाई|ตอบกลับอัตโนมัติ|การตอบกลับอัตโนมัติ|ไม่อยู่ที่สำนักงาน|ავტომატური პასუხი|ինքնապատասխան|автоматты жауап",
    r"自動返信|自動応答|不在通知|外出中|不在のお知らせ|休暇中|自动回复|自动答复|外出|我正在休假|自動回覆|自動回復|不在辦公室|자동 회신|자동 응답|자동응답|부재 중|부재중|휴가 중",
];
