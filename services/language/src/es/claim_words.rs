//! What is claimed in Spanish: "le escribiré", "he cancelado", "un compañero le responderá".

use crate::claims::words::{
    Deed::{Anything, Book, Cancel, HandOff, Move, Note, Plan, Promise, Remember},
    Form, Source,
    Tense::{Ahead, Done, Now},
};

const GOING: &[&str] = &[
    "voy|vamos a",
    "dejame|dejeme|deje|deja|permitame|permiteme|permitanos|dejenos",
    "prometo|prometemos|quedo|quedamos en|de?",
    "paso|pasamos a",
    "procedo|procedere|procederemos a",
];
const HAVE: &[&str] = &["he|hemos", "acabo|acabamos de", "ya he|hemos"];
const CLITIC: &[&str] = &["te|le|os|les"];
const REMINDER: &[&str] = &["recordatorio*|aviso*|alarma*|notificacion*|alerta*|seguimiento*"];
const APPOINTMENT: &[&str] = &[
    "sala|salas|cita*|reunion*|reserva|reservas|reservacion*|llamada*|visita*|mesa*|demo|demostracion|consulta*|videollamada*|turno*|hora|plaza*|habitacion*|sesion|clase|entrevista|revision|hueco",
];
const OURS: &[&str] = &[
    "recordatorio*|aviso*|alarma*|notificacion*|alerta*|cita*|reunion*|reserva|reservas|reservacion*|llamada*|visita*|prometido|promesa*|todo|todos|todas|mensaje*|videollamada*|seguimiento*|turno|sesion|suscripcion",
];
const STAFF: &[&str] = &[
    "compañer*|companer*|colega*|equipo*|persona*|humano*|agente*|responsable*|encargad*|gerente*|operador*|soporte|departamento*|especialista*|tecnico*|jefe*|jefa*|administrador*|supervisor*|asesor*|director*|comercial*|experto*|experta*|personal|alguien|gestor*",
];

pub static CLAIMS: Source = Source {
    forms: &[
        // Promises.
        Form::new(Promise, Ahead, &[], &[
            "se|te|os|le|les lo|la|los|las? recordare|recordaremos",
            "te|le|os|les|lo|la|los|las? escribire|escribiremos",
            "te|le|os|les|lo|la|se|los lo|la? avisare|avisaremos|notificare|notificaremos|informare|informaremos|contactare|contactaremos|llamare|llamaremos|telefoneare|telefonearemos",
            "me|nos pondre|pondremos en contacto",
            "me|nos comunicare|comunicaremos|contactare",
            "volvere|volveremos a escribir*|llamar*|contactar*|avisar*|preguntar*|recordar*",
            "te|le|os|les|se lo? hare|haremos saber",
            "te|le|os|les lo? mantendre|mantendremos|tendre|tendremos al|informado|informada|informados tanto|corriente?",
            "lo|la|te|le mantendre|mantendremos al|informado|informada",
            "te|le|os|les dare|daremos un|una toque|aviso|llamada|respuesta|noticia",
            "dare|daremos seguimiento",
            "te|le|os|les? despertare|preguntare|despertaremos|preguntaremos",
        ])
        .unless(&["que|de"]),
        Form::new(Promise, Ahead, &[], &[
            "te|le|os|les|se|lo|la lo|la? recordare|recordaremos|avisare|avisaremos|informare|notificare que|de",
        ])
        .unless(&["que"]),
        Form::new(Promise, Ahead, &[], &["te|le|os|les vuelvo|volvemos a escribir|llamar|avisar|preguntar|contactar|recordar"]),
        Form::new(Promise, Ahead, GOING, &[
            "escribirle*|escribirte*|escribiros|escribirles|recordar*|avisar*|llamarle|llamarte|llamarlo|llamarla|llamaros|contactar*|notificar*|informar*|ponerme|ponernos",
            "volver a escribir*|llamar*|contactar*|avisar*",
            "mandarle|mandarte|enviarle|enviarte un|otro|el recordatorio|mensaje|aviso",
            "darle|darte un|una toque|aviso|respuesta",
            "estar en contacto",
        ])
        .unless(&["que"]),
        Form::new(Promise, Ahead, &["le|te|les|os|lo|la"], &["voy|vamos a escribir|recordar|avisar|llamar|contactar|notificar|informar|mandar|enviar"])
            .unless(&["que"]),
        Form::new(Promise, Ahead, &["se"], &["lo|la voy|vamos a recordar|avisar|notificar|mandar|enviar"]).unless(&["que"]),
        Form::new(Promise, Ahead, CLITIC, &["aviso|avisamos"]).plain().unless(&["que|de"]),
        Form::new(Promise, Ahead, &["te|le|os|les|se lo|la?"], &[
            "aviso|avisamos|escribo|escribimos|llamo|llamamos|recuerdo|recordamos|contacto|contactamos|mando|mandamos|envio|enviamos|confirmo|confirmamos|respondo|contesto|digo|informo|notifico|paso",
        ])
        .unless(&["que|de"])
        .with_time()
        .plain(),
        Form::new(Promise, Ahead, &[], &[
            "responder|contestare|contestaremos|respondere|responderemos|enviare|enviaremos|mandare|mandaremos|confirmare|confirmaremos|pasare|pasaremos|dire|diremos|hare|haremos|volvere|volveremos|tendre|preparare|hablamos|preguntare|escribo|escribimos|llamo",
        ])
        .with_time(),
        Form::new(Promise, Ahead, &[], &["enviare|enviaremos|mandare|mandaremos|pondre|pondremos|programare|programaremos|creare|crearemos|agendare|agendaremos|dejare|dejaremos|hare|configurare|activare|añadire|anadire"])
            .behind(REMINDER),
        Form::new(Promise, Ahead, GOING, &["poner*|programar*|crear*|agendar*|dejar*|hacer*|configurar*|activar*|enviar*|mandar*|añadir*|anadir*"])
            .behind(REMINDER),
        Form::new(Promise, Now, &["estoy|estamos", "pongo|programo|creo|agendo|dejo|activo"], &["programando|poniendo|creando|agendando|un|el|su|tu"])
            .behind(REMINDER),
        Form::new(Promise, Done, HAVE, &["puesto|programado|creado|agendado|dejado|guardado|configurado|establecido|activado|añadido|anadido|apuntado|anotado|fijado|hecho|poner*|programar*|crear*|agendar*"])
            .behind(REMINDER),
        Form::new(Promise, Done, &[], &["programe|cree|agende|deje|configure|active|fije|anote"]).accented().behind(REMINDER),
        Form::new(Promise, Done, &[], &["puse|pusimos|programamos|creamos|agendamos|hice"]).behind(REMINDER),
        Form::new(Promise, Done, &[], &[
            "esta|queda|quedo|estan|quedan|sigue|siguen|fue|sido|se ya|ha|todo? programad*|creado|creados|puesto|puestos|establecid*|configurad*|activad*|activo|activos|listo|listos|guardad*|agendad*|pie|en fijado?",
        ])
        .beside(REMINDER),
        Form::new(Promise, Done, REMINDER, &["programado|creado|puesto|establecido|configurado|activado|agendado|guardado|fijado|listo"]),
        Form::new(Promise, Done, &[], &["programado|creado|puesto|agendado|configurado"]).beside(&["recordatorio*|alarma*"]).leads(),
        Form::new(Promise, Ahead, &[], &["recibira|recibiras|recibireis|llegara|tendra|tendras un|una|el|su|tu|mi recordatorio|aviso|mensaje|notificacion"])
            .unless(&["de|del"]),
        Form::new(Promise, Ahead, &[], &["recibira|recibiras|tendra|tendras noticias|mensaje|respuesta mias|nuestras|mia|nuestra|mio|nuestro"]),
        Form::new(Promise, Ahead, &[], &["le|te|les|os llegara|llegaran"]).beside(REMINDER).unless(&["del|desde"]),
        Form::new(Promise, Done, &[], &["sigue|siguen|queda|quedan en pie", "se mantiene|mantienen"]).beside(OURS),
        // Things done at once or shortly.
        Form::new(Cancel, Ahead, &[], &["cancelare|cancelaremos|anulare|anularemos"]),
        Form::new(Cancel, Ahead, &[], &["eliminare|eliminaremos|borrare|borraremos|quitare|quitaremos"]).beside(OURS),
        Form::new(Cancel, Ahead, &["lo|la|los|las"], &["cancelare|anulare|eliminare|borrare|quitare"]),
        Form::new(Cancel, Now, &["lo|la|los|las"], &["cancelo|anulo|borro|elimino|quito"]).plain(),
        Form::new(Cancel, Ahead, GOING, &["cancelar*|anular*|eliminarl*|borrarl*|quitarl*"]),
        Form::new(Cancel, Now, &[], &["cancelo|cancelamos|anulo|anulamos"]).plain(),
        Form::new(Cancel, Now, &["estoy|estamos"], &["cancelando*|anulando*"]),
        Form::new(Cancel, Done, &["he|hemos", "lo|la|los|las|se he|hemos", "acabo|acabamos de"], &["cancelado|anulado|cancelar*|anular*"]),
        Form::new(Cancel, Done, HAVE, &["eliminado|borrado|quitado|retirado|suprimido"]).beside(OURS),
        Form::new(Cancel, Done, &["lo|la|los|las he|hemos"], &["eliminado|borrado|quitado|retirado"]),
        Form::new(Cancel, Done, &[], &["cancele|anule"]).accented(),
        Form::new(Cancel, Done, &[], &["elimine|borre|quite"]).accented().beside(OURS),
        Form::new(Cancel, Done, &[], &[
            "queda|quedo|esta|fue|quedan|estan|sido|se ya|ha|han? cancelad*|anulad*|eliminad*|borrad*",
        ])
        .beside(OURS),
        Form::new(Cancel, Done, OURS, &["cancelad*|anulad*|eliminad*|borrad*"]),
        Form::new(Cancel, Done, &[], &["queda|quedo|esta|quedan ya? cancelad*|anulad*"]).leads(),
        Form::new(Cancel, Done, &[], &["cancelado|cancelada|cancelados|canceladas|anulado|anulada"]).leads(),
        Form::new(Cancel, Done, &[], &["ya no esta|existe"]).before(&["recordatorio|aviso|alarma"]),
        Form::new(Cancel, Done, &[], &["ya no recibira|recibiras|llegara|sonara", "ya no le|te llegara"]).beside(REMINDER),
        Form::new(Move, Ahead, &[], &["movere|moveremos|aplazare|aplazaremos|pospondre|pospondremos|reprogramare|reprogramaremos|trasladare|adelantare|retrasare|reagendare"]),
        Form::new(Move, Ahead, &[], &["cambiare|cambiaremos|pasare|pasaremos"]).beside(OURS),
        Form::new(Move, Ahead, &["lo|la|los|las"], &["cambiare|pasare al|a|para|del"]),
        Form::new(Move, Now, &["lo|la|los|las"], &["cambio|paso|muevo|movemos|aplazo|pospongo al|a|para|del"]).plain(),
        Form::new(Move, Ahead, GOING, &["mover*|aplazar*|posponer*|reprogramar*|trasladar*|cambiarl*|pasarl*|reagendar*|adelantar*|retrasar*"]),
        Form::new(Move, Now, &[], &["muevo|movemos|aplazo|aplazamos|pospongo|reprogramo|traslado el|la|su|tu|los|las"]).plain(),
        Form::new(Move, Done, HAVE, &["movido|aplazado|pospuesto|reprogramado|trasladado|adelantado|retrasado|reagendado|mover*|aplazar*|posponer*|reprogramar*"]),
        Form::new(Move, Done, HAVE, &["cambiado|pasado|modificado|actualizado"]).behind(&["recordatorio*|cita*|reunion*|reserva*|llamada*|aviso*|hora|fecha|dia"]),
        Form::new(Move, Done, &["lo|la|los|las|se he|hemos"], &["movido|cambiado|pasado|aplazado|pospuesto|reprogramado|trasladado"]),
        Form::new(Move, Done, &[], &["movi|aplace|reprograme|traslade|pospuse|movimos|cambie|adelante|retrase"]).beside(OURS).accented(),
        Form::new(Move, Done, &["lo|la|los|las"], &["movi|cambie|aplace|pase"]).accented(),
        Form::new(Move, Done, &[], &["pospuse|movimos|pospusimos"]),
        Form::new(Move, Done, &[], &[
            "queda|quedo|esta|fue|quedan|sido|se ya|ha|han? movid*|aplazad*|pospuest*|reprogramad*|cambiad*|trasladad*",
        ])
        .beside(OURS),
        Form::new(Move, Done, OURS, &["movido|movida|aplazado|aplazada|reprogramado|reprogramada|cambiado|cambiada para|al|a|hasta"]),
        Form::new(Move, Done, &[], &["cambiado|cambiada|movido|movida|aplazado|aplazada|reprogramado|reprogramada|pospuesto"]).leads(),
        Form::new(Book, Ahead, &[], &["reservare|reservaremos", "te|le|os|les apuntare|apuntaremos"]),
        Form::new(Book, Ahead, &[], &["agendare|agendaremos|programare|programaremos|concertare|apartare|fijare"]).behind(APPOINTMENT),
        Form::new(Book, Ahead, GOING, &["reservar*|apuntarle|apuntarte"]),
        Form::new(Book, Ahead, GOING, &["agendar*|programar*|concertar*"]).behind(APPOINTMENT),
        Form::new(Book, Now, &["te|le|les|os"], &["reservo|apunto|agendo|aparto"]).plain(),
        Form::new(Book, Now, &[], &["reservo|agendo"]).plain().behind(APPOINTMENT),
        Form::new(Book, Done, &["he|hemos", "te|le|os|les|lo|la he|hemos", "acabo de"], &["reservado|reservar*"]),
        Form::new(Book, Done, &["te|le|os|les|lo|la he|hemos"], &["apuntado|agendado|apartado a|para|en|el|la"]),
        Form::new(Book, Done, HAVE, &["agendado|concertado|apartado|programado|confirmado|fijado|creado|cerrado|agendar*|programar*"]).behind(APPOINTMENT),
        Form::new(Book, Done, &[], &["reserve|agende|concerte|aparte|programe|confirme"]).accented().beside(APPOINTMENT),
        Form::new(Book, Done, &[], &[
            "esta|queda|quedo|estan|quedan|fue|sido|se ya|usted|ha|han? confirmad*|reservad*|agendad*|programad*|apuntad*|concertad*|fijad*",
        ])
        .beside(APPOINTMENT),
        Form::new(Book, Done, &["queda|quedas|esta|estas"], &["usted|ya? apuntado|apuntada|inscrito|inscrita"]),
        Form::new(Book, Done, &[], &["te|le|lo|la|les tengo|tenemos apuntado|apuntada|agendado|agendada|apuntados"]),
        Form::new(Book, Done, &[], &["hice|hicimos"]).behind(APPOINTMENT),
        Form::new(Book, Done, &["ya"], &["tiene|tienes su|tu|la|una cita|reserva|reunion|mesa|plaza"]),
        Form::new(Book, Done, APPOINTMENT, &["confirmada|confirmado|reservada|reservado|agendada|agendado|programada"]),
        Form::new(Book, Done, &[], &["reservado|reservada"]).leads(),
        Form::new(Plan, Done, &["he|hemos", "lo|la he|hemos"], &["programado|agendado|apuntado|planificado|fijado|dejado"]).with_time(),
        Form::new(Plan, Done, &["queda|quedamos|quedo|esta|todo"], &["queda|esta|todo|ya? programad*|agendad*|fijad*|listo|apuntad*|en|para"]).with_time(),
        Form::new(Plan, Done, &[], &["programado|agendado|apuntado|fijado|confirmado|anotado|agendada"]).with_time().leads(),
        // People.
        Form::new(HandOff, Ahead, &[], &["pasare|avisare|informare|trasladare|transferire|derivare|notificare|comunicare|reenviare|escalare|preguntare|consultare|contactare|pedire|llamare|pondre|dire|pasaremos|avisaremos|consultaremos|hablare"])
            .behind(STAFF),
        Form::new(HandOff, Ahead, GOING, &["pasar*|avisar*|informar*|trasladar*|transferir*|derivar*|notificar*|comunicar*|preguntar*|consultar*|contactar*|pedir*|llamar*|hablar*|poner*"])
            .behind(STAFF),
        Form::new(HandOff, Now, &["te|le|lo|la|les"], &["paso|comunico|transfiero|derivo|conecto|pongo"]).plain().behind(STAFF),
        Form::new(HandOff, Now, &[], &["paso|aviso|traslado|transfiero|derivo|informo|escalo|consulto"]).plain().behind(STAFF),
        Form::new(HandOff, Done, &["he|hemos", "lo|la|le|se|les lo|la? he|hemos", "acabo de"], &[
            "comentado|contado|explicado|planteado|expuesto|pasado|avisado|informado|trasladado|transferido|derivado|notificado|comunicado|reenviado|escalado|llamado|preguntado|contactado|consultado|pedido|remitido|enviado|dicho|hablado|escribir*|avisar*|pasar*|informar*|notificar*",
        ])
        .behind(STAFF),
        Form::new(HandOff, Done, &[], &["pase|avise|informe|traslade|derive|notifique|comunique|reenvie|escale|llame|pregunte|contacte|consulte"])
            .accented()
            .behind(STAFF),
        Form::new(HandOff, Done, &[], &["sido|esta|queda|se ha|han? pasad*|trasladad*|derivad*|transferid*|reenviad*"]).beside(STAFF),
        Form::new(HandOff, Ahead, &[], &[
            "te|le|os|les|lo|la|se respondera|contactara|escribira|llamara|atendera|contestara|responderan|contactaran|escribiran|llamaran|atenderan|ayudara",
            "se pondra|pondran en contacto",
            "respondera|contactara|contestara|revisara",
        ])
        .beside(STAFF),
        Form::new(HandOff, Done, HAVE, &["creado|abierto|registrado un|una|el|la ticket|incidencia|caso|solicitud"]),
        // What is kept in mind.
        Form::new(Remember, Ahead, &[], &[
            "lo|la|los? recordare|recordaremos",
            "lo|la|los tendre|tendremos en|presente cuenta?",
            "tendre|tendremos en|presente cuenta?",
            "no lo|me|se|la olvidare|olvidaremos",
            "me|nos acordare|acordaremos",
            "memorizare",
        ]),
        Form::new(Remember, Done, HAVE, &["memorizado|guardado|registrado|actualizado|añadido|anadido"])
            .behind(&["preferencia*|dato*|perfil|direccion|nombre|cumpleaños|cumpleanos|objetivo*|meta*|informacion|alergia*|ficha"]),
        Form::new(Remember, Done, &["lo he|hemos"], &["memorizado|guardado|registrado"]),
        Form::new(Remember, Ahead, &[], &["guardare|registrare|guardaremos"])
            .behind(&["preferencia*|dato*|perfil|direccion|nombre|cumpleaños|cumpleanos|objetivo*|meta*|informacion|alergia*|ficha"]),
        Form::new(Note, Done, &["he|hemos", "lo|la|me lo? he|hemos"], &["anotado|apuntado|tomado nota?"]),
        Form::new(Note, Ahead, &[], &["anotare|apuntare|anotaremos"]),
        Form::new(Note, Now, &[], &["tomo|tomare|tomamos nota", "lo|me lo? anoto|apunto"]).plain(),
        Form::new(Note, Done, &[], &["anote|apunte"]).accented(),
        // Whatever it was.
        Form::new(Anything, Ahead, &[], &[
            "me|nos encargo|encargare|encargamos|ocupo|ocupare|ocupamos",
            "dalo|delo por hecho",
            "lo hare|haremos|gestiono|gestionare|resuelvo",
        ]),
    ],
    light: &[
        "yo|te|le|os|les|se|lo|la|los|las|me|nos|y|ya|tambien|con|gusto|mucho|claro|que|si|por|supuesto|desde|luego|ahora|mismo|enseguida|vale|perfecto|de|acuerdo|listo|hecho|entendido|ok|bien|muy|muchas|gracias|entonces|asi|personalmente|automaticamente|sin|falta|sin|problema|todo|hola|buenos|buenas|dias|tardes|encantado|encantada|inmediatamente|tal|como|pidio|pediste|pidio|su|tu|el|un|una|recordatorio|cita|a|para|en|lo|siento|estimado|estimada|genial|estupendo",
    ],
    not: &["no", "nunca", "jamas", "ni", "nada", "sin", "tampoco", "ningun", "ninguna", "ninguno", "nadie"],
    unsure: &[
        "no puedo|podemos|podria|prometo|sabria|se|creo|estoy|aseguro|garantizo|digo|dije|sabemos|puede|pude prometer*|garantizar*|asegurar*|decir*|saber|confirmar*|seguro|segura?",
        "dudo que?",
        "usted|tu pidio|dijo|queria|quiere|pregunto|pide|pediste|dijiste|querias|escribio",
        "me pidio|pediste|dijo|pregunto|preguntaba|preguntas|pide que|si",
        "antes de",
    ],
    that: &["que"],
    asks: &["si", "como", "cuando", "que", "quien", "donde", "porque"],
    condition: &["si", "siempre", "salvo"],
    once: &["cuando|hasta|tras|apenas", "en cuanto", "una vez", "tan pronto"],
    you: &["usted", "tu", "me", "quiera", "quieras", "desee", "desees", "diga", "digas", "prefiera", "prefieras", "pueda", "puedas", "guste", "su"],
    you_endings: &["decida", "decidas", "tengas", "sepas", "confirme", "confirmes", "elija", "elijas", "indique", "indiques", "necesite", "necesites", "envies"],
    silence: &["no responde|respondes|contesta|contestas|recibo|recibimos|tengo|tenemos|escribe|escribes|dice|dices|hay|me|nos|he|sé", "sin respuesta"],
    tell: &[
        "digame|dime|diga|di|indique|indiqueme|indicame|envie|envieme|enviame|escriba|escribeme|escribame|elija|elige|confirme|confirmeme|confirmame|confirma|aviseme|avisame|pidamelo|pidemelo|pidame|pideme|nombre|responda|responde|diganos|dinos|comparta|cuenteme|cuentame|facilite|facilíteme|especifique|basta|mandeme|mandame|pulse|pulsa|seleccione|deme|dame|escoja|proporcione",
        "hagame|hazme saber",
    ],
    tag: &["vale|ok|de|acuerdo|bien|le|te|parece|esta|correcto|verdad|si|no|va|viene|conviene|asi|esto|eso|de|sirve|queda|entonces|y|os|les|cree|que"],
    or: &["o", "u", "ni"],
    and: &["y", "e", "pero", "luego"],
    reports: &[
        "confirmo|confirma|confirmaron|dijo|dice|dijeron|escribio|informo|indica|indico|anuncio|aviso que",
        "segun",
        "parece que?",
    ],
    we: &["yo", "nosotros", "he", "hemos", "le", "te"],
    would: &[],
    by: &["por"],
    us: &["mi", "nosotros", "ahora", "favor", "supuesto", "la", "el", "usted", "telefono", "correo", "error", "defecto"],
    about: &[
        "sobre", "acerca", "respecto", "que", "cual", "porque", "para", "de", "del", "antes", "por", "como", "donde",
    ],
    to: &["a", "y", "su", "tu", "la", "el", "con"],
    from: &["desde", "del", "de", "lugar"],
    beside_time: &[
        "vale|perfecto|de|acuerdo|entendido|si|claro|bien|muy|entonces|el|la|las|los|a|para|en|por|pues|ok|genial|gracias|estupendo|punto|hora|su|tu|local|y|es|son|ya|hola|sera|seria|vista",
    ],
    agreed: &["vale|perfecto|acuerdo|entendido|claro|ok|genial|estupendo|bien"],
    done: &["listo|hecho|agendado|programado|confirmado|apuntado|anotado|reservado|queda|quedamos|fijado|arreglado"],
};
