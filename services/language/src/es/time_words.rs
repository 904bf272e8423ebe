//! Spanish words of time; accents and "ñ" are folded away, so the words stand here without them.

use chrono::Weekday::{Fri, Mon, Sat, Sun, Thu, Tue, Wed};
use chrono_tz::Tz;

use crate::time::{
    holiday::Holiday,
    lexicon::{Sense as S, Table},
    phrase::{
        Part::{Afternoon, Dawn, Evening, EveningOrNight, FirstThing, Lunch, Morning, Night},
        Unit,
    },
    words::Words,
};

pub static WORDS: Words = Words {
    tables: &[NUMBERS, UNITS, DAYS, PARTS, GRAMMAR, ZONES, HOLIDAYS],
    not_names: &[
        "marco", "marcos", "mario", "marte", "marta", "martas", "marca", "marcha", "mares", "martires", "abrir",
        "julia", "julian", "junto", "junta", "juntos", "justo", "jugo", "juego", "junior", "luces", "lunas", "agotar",
        "angosto", "sabido", "sabana", "juicio",
    ],
    never_misspelt: &["manana"],
    ordinal_endings: &["o", "ro", "er", "do", "to", "mo", "vo", "no", "º", "ª", "a", "ra", "da", "ta", "ma"],
    hour_signs: &["h", "hs", "hrs"],
    at: &["las"],
    before_dotted_date: &["el", "del"],
    before_month_number: &["del"],
    more: &["mas"],
    numbered: &[
        "version",
        "v",
        "ver",
        "release",
        "ip",
        "section",
        "sala",
        "habitacion",
        "piso",
        "puerta",
        "autobus",
        "vuelo",
        "tren",
        "linea",
        "anden",
        "pagina",
        "capitulo",
        "leccion",
        "nivel",
        "paso",
        "parte",
        "temporada",
        "pedido",
        "factura",
        "caso",
        "articulo",
        "tarea",
        "numero",
        "num",
        "no",
        "planta",
        "talla",
        "edificio",
        "salida",
        "terminal",
        "canal",
        "pregunta",
        "fase",
        "aula",
        "cuarto",
        "local",
        "oficina",
        "expediente",
    ],
    plural_articles: &["los", "las"],
    after: &["tras"],
    ..Words::NONE
};

const NUMBERS: Table = &[
    (S::Number(0), "cero|zero"),
    (S::Number(1), "uno|una"),
    (S::Article, "un|una"),
    (S::Number(2), "dos"),
    (S::Number(3), "tres"),
    (S::Number(4), "cuatro"),
    (S::Number(5), "cinco"),
    (S::Number(6), "seis"),
    (S::Number(7), "siete"),
    (S::Number(8), "ocho"),
    (S::Number(9), "nueve"),
    (S::Number(10), "diez"),
    (S::Number(11), "once"),
    (S::Number(12), "doce"),
    (S::Number(13), "trece"),
    (S::Number(14), "catorce"),
    (S::Number(15), "quince"),
    (S::Number(16), "dieciseis"),
    (S::Number(17), "diecisiete"),
    (S::Number(18), "dieciocho"),
    (S::Number(19), "diecinueve"),
    (S::Number(20), "veinte"),
    (S::Number(21), "veintiuno|veintiun|veintiuna"),
    (S::Number(22), "veintidos"),
    (S::Number(23), "veintitres"),
    (S::Number(24), "veinticuatro"),
    (S::Number(25), "veinticinco"),
    (S::Number(26), "veintiseis"),
    (S::Number(27), "veintisiete"),
    (S::Number(28), "veintiocho"),
    (S::Number(29), "veintinueve"),
    (S::Number(30), "treinta"),
    (S::Number(40), "cuarenta"),
    (S::Number(50), "cincuenta"),
    (S::Number(60), "sesenta"),
    (S::Number(70), "setenta"),
    (S::Number(80), "ochenta"),
    (S::Number(90), "noventa"),
    (S::Number(100), "cien|ciento"),
    (S::Number(1000), "mil"),
    (S::Ordinal(1), "primero|primer|primera"),
    (S::Ordinal(2), "segundo|segunda"),
    (S::Ordinal(3), "tercero|tercer|tercera"),
    (S::Ordinal(4), "cuarto|cuarta"),
    (S::Ordinal(5), "quinto|quinta"),
    (S::Ordinal(6), "sexto|sexta"),
    (S::Ordinal(7), "septimo|septima"),
    (S::Ordinal(8), "octavo|octava"),
    (S::Ordinal(9), "noveno|novena"),
    (S::Ordinal(10), "decimo|decima"),
    (S::Ordinal(11), "undecimo|decimoprimero"),
    (S::Ordinal(12), "duodecimo|decimosegundo"),
    (S::Ordinal(20), "vigesimo|vigesima"),
    (S::Ordinal(21), "vigesimoprimero|vigesimo primero"),
    (S::Ordinal(30), "trigesimo|trigesima"),
    (S::Half, "medio|media|½"),
    (S::AndHalf, "y media|y medio|½"),
    (S::AndQuarter, "y cuarto|y un cuarto"),
    (S::FromEnd(2), "penultimo|penultima"),
    (S::FromEnd(3), "antepenultimo|antepenultima"),
    (S::QuarterPart, "cuarto|cuartos"),
    (S::Few(2), "un par de|par de|un par"),
    (S::Few(3), "algunos|algunas|unos cuantos|unas cuantas|unos pocos|unas pocas|pocos|pocas"),
    (S::Several, "varios|varias|muchos|muchas|unos|unas"),
];

const UNITS: Table = &[
    (S::Unit(Unit::Second), "s|seg|segs|segundo|segundos|segundito|segunditos"),
    (S::Unit(Unit::Minute), "min|mins|minuto|minutos|minutito|minutitos"),
    (S::Unit(Unit::Hour), "h|hr|hrs|hs|hora|horas|horita|horitas"),
    (S::Oclock, "h|hs|hrs|horas|hora|en punto|h en punto"),
    (S::Unit(Unit::Day), "dia|dias|d|jornada|dias naturales|diitas"),
    (
        S::Unit(Unit::BusinessDay),
        "dia habil|dias habiles|dia laborable|dias laborables|dia laboral|dias laborales|dia de trabajo|dias de trabajo",
    ),
    (S::Unit(Unit::Week), "semana|semanas|sem|semanita"),
    (S::Amount(15_000, Unit::Day), "una quincena|quincena"),
    // "eight days" is a week, "fifteen days" a fortnight, in words
    (S::Amount(7_000, Unit::Day), "ocho dias"),
    (S::Amount(14_000, Unit::Day), "quince dias"),
    (S::Unit(Unit::Month), "mes|meses|mesecito"),
    (S::Unit(Unit::Quarter), "trimestre|trimestres"),
    (S::Amount(6_000, Unit::Month), "un semestre|medio ano"),
    (S::Amount(15_000, Unit::Minute), "un cuarto de hora|cuarto de hora"),
    (S::Amount(45_000, Unit::Minute), "tres cuartos de hora|tres cuartos de una hora"),
    (S::Unit(Unit::Year), "ano|anos|anito"),
];

const DAYS: Table = &[
    (S::Month(1), "enero|ene"),
    (S::Month(2), "febrero|feb"),
    (S::Month(3), "marzo"),
    (S::WeakMonth(3), "mar"),
    (S::Month(4), "abril|abr"),
    (S::Month(5), "mayo|may"),
    (S::Month(6), "junio|jun"),
    (S::Month(7), "julio|jul"),
    (S::Month(8), "agosto|ago"),
    (S::Month(9), "septiembre|setiembre|sep|sept|set"),
    (S::Month(10), "octubre|oct"),
    (S::Month(11), "noviembre|nov"),
    (S::Month(12), "diciembre|dic"),
    (S::Weekday(Mon), "lunes"),
    (S::Weekday(Tue), "martes"),
    (S::Weekday(Wed), "miercoles|miecoles|miercole"),
    (S::Weekday(Thu), "jueves"),
    (S::Weekday(Fri), "viernes"),
    (S::Weekday(Sat), "sabado"),
    (S::Weekday(Sun), "domingo"),
    (S::WeakWeekday(Mon), "lun|lu"),
    (S::WeakWeekday(Tue), "mar|mart"),
    (S::WeakWeekday(Wed), "mie|mier"),
    (S::WeakWeekday(Thu), "jue|juev"),
    (S::WeakWeekday(Fri), "vie|vier"),
    (S::WeakWeekday(Sat), "sab"),
    (S::WeakWeekday(Sun), "dom"),
    (S::Weekdays(Sat), "sabados"),
    (S::Weekdays(Sun), "domingos"),
    (S::Day(0), "hoy|hoy mismo|hoy dia|dia de hoy|el dia de hoy"),
    (
        S::Day(1),
        "manana|manan|mannana|mananaa|dia de manana|el dia de manana|antes de manana|manana mismo|dia siguiente|al dia siguiente|siguiente dia|\
         proximo dia|dia proximo|dia que viene",
    ),
    (
        S::Day(2),
        "pasado manana|el dia despues de manana|dia despues de manana|el dia pasado manana|\
         pasadomanana|dia despues manana|subsiguiente dia",
    ),
    (S::Day(7), "de hoy en ocho|hoy en ocho"),
    (S::Day(8), "de manana en ocho"),
    (S::Day(15), "de manana en quince"),
    (S::Day(14), "de hoy en quince|hoy en quince"),
    (S::NextDay, "proximo dia habil|siguiente dia habil|proximo dia laborable|siguiente dia laborable"),
    (S::Day(-1), "ayer|anoche|ayer por la noche|dia de ayer"),
    (S::Day(-2), "anteayer|antes de ayer|antier|antes de anoche"),
    (
        S::Loosely,
        "hoy mas tarde|mas tarde hoy|en un rato|en un ratito|dentro de un rato|dentro de un ratito|en unos momentos|en un momento|al rato",
    ),
];

const PARTS: Table = &[
    (
        S::Part(Morning),
        "por la manana|de la manana|en la manana|a la manana|la manana|por la mananita|mananas|a media manana|media manana",
    ),
    (
        S::Part(Afternoon),
        "por la tarde|de la tarde|en la tarde|a la tarde|la tarde|despues de comer|despues del almuerzo|a media tarde|\
         media tarde|de tarde|por la tardecita",
    ),
    (
        S::Part(FirstThing),
        "a primera hora de la manana|a primera hora|a primerisima hora|a primera hora del dia|lo primero|a primeras horas",
    ),
    (
        S::Part(Lunch),
        "a la hora de comer|a la hora de la comida|a la hora del almuerzo|en el almuerzo|hora de comer|hora del almuerzo|\
         antes de comer|antes del almuerzo|antes de almorzar",
    ),
    (
        S::By,
        "antes de comer|antes del almuerzo|antes de almorzar|antes del mediodia|antes de mediodia|hasta el mediodia|hasta mediodia",
    ),
    (S::Part(Evening), "al anochecer|al atardecer|atardecer"),
    (S::Part(EveningOrNight), "por la noche|de la noche|en la noche|a la noche|la noche|de noche"),
    (
        S::Part(Night),
        "tarde por la noche|muy tarde por la noche|tarde en la noche|a altas horas|bien entrada la noche|a altas horas de la noche",
    ),
    (S::OfClock, "de la manana|de la tarde|de la noche|de la madrugada|del mediodia|del medio dia|de la mananita"),
    (S::WeakPart(Night), "noche"),
    (S::WeakPart(Afternoon), "tarde"),
    (
        S::Part(Dawn),
        "de la madrugada|por la madrugada|en la madrugada|de madrugada|madrugada|a la madrugada|la madrugada",
    ),
    (S::PartToday(Morning), "esta manana|esta misma manana|hoy por la manana|de esta manana"),
    (S::PartToday(Afternoon), "esta tarde|esta misma tarde|de esta tarde"),
    (
        S::PartToday(EveningOrNight),
        "esta noche|esta misma noche|de esta noche|hoy por la noche|hoy en la noche|hoy noche",
    ),
    (S::PartToday(Afternoon), "hoy por la tarde|hoy en la tarde"),
    (S::PartToday(Dawn), "esta madrugada|de esta madrugada"),
    (S::TomorrowOrMorning, "de manana"),
    (
        S::Noon,
        "antes del mediodia|antes de mediodia|hasta el mediodia|hasta mediodia|mediodia|medio dia|del mediodia|al mediodia|a mediodia|el mediodia|del medio dia|al medio dia|a medio dia",
    ),
    (S::Midnight, "medianoche|media noche|a medianoche|a media noche|la medianoche|la media noche|a la medianoche"),
    (S::Am, "am|a . m .|a . m|a m"),
    (S::Pm, "pm|p . m .|p . m|p m"),
];

const GRAMMAR: Table = &[
    (S::Before, "antes de|antes del|antes de la|antes de las"),
    (S::DayBefore, "antes de|antes del"),
    (S::After, "no antes de las|no antes de la|no antes de|no antes del|no antes del dia"),
    (S::By, "antes de las|antes de la|hasta las|hasta la"),
    (S::Eve, "la vispera de|la vispera del|vispera de|vispera del"),
    (S::Wait, "temporizador de|temporizador para|alarma en|espera|esperar|esperame"),
    (
        S::In,
        "en|dentro de|de aqui a|de aqui en|al cabo de|tras|en menos de|dentro de los proximos|dentro de las proximas|\
         en los proximos|en las proximas|dentro de los siguientes|dentro de las siguientes|en los siguientes|\
         en las siguientes|de hoy en|despues de|\
         pasados|pasadas|en el plazo de|en cosa de|dentro de menos de|luego de",
    ),
    (S::On, "en|el|para el|este"),
    (
        S::Hence,
        "mas tarde|despues|a partir de ahora|desde ahora|desde hoy|a partir de hoy|a contar desde hoy|a contar de hoy|\
         a partir de este momento|luego|mas adelante",
    ),
    (S::AgoBefore, "hace|hacen|hara|desde hace"),
    (S::Ago, "atras|antes"),
    (
        S::Approx,
        "aproximadamente|mas o menos|casi|alrededor de|cerca de|sobre|~|como|exactamente|aprox|aprox .|otros|otras|\
         tipo|solo|mejor|justo|apenas|quizas|a eso de",
    ),
    (
        S::Coming,
        "proximo|proxima|proximos|proximas|prox|prox .|que viene|que vienen|siguiente|siguientes|entrante|venidero|\
         venidera|que sigue|este proximo|esta proxima|este que viene|mas proximo",
    ),
    (S::This, "este|esta|estos|estas|este mismo|esta misma|actual|en curso|corriente|presente"),
    (S::Last, "pasado|pasada|ultimo|ultima|ultimos|ultimas|anterior"),
    (
        S::Unsettled,
        "al desayuno|en el desayuno|a la hora del desayuno|a la hora de desayunar|a la hora de cenar|a la hora de la cena|en la cena|a la cena|al amanecer|a la hora de dormir|al acostarme|bien temprano|muy temprano|bastante temprano|super temprano|muy tarde|bien tarde",
    ),
    (S::Every, "a diario|diario|entre semana|cada|todos los|todas las|diariamente|semanalmente|mensualmente"),
    (
        S::At,
        "a las|a la|a eso de las|a eso de la|sobre las|sobre la|hacia las|hacia la|a partir de las|antes de las|\
         hasta las|despues de las|para las|desde las|cerca de las|alrededor de las|tipo las|las|como a las|por las|\
         aproximadamente a las|alrededor de la|de las|entre las|a las aproximadamente|cerca de la|para la|antes de la",
    ),
    (S::To, "a|hasta|hasta el|hasta la|hasta las|al|a las|y las"),
    (S::By, "antes de|antes del|hasta|hasta el|para|para el|a mas tardar|a mas tardar el|no mas tarde de"),
    (S::The, "el|la|los|las|lo|al|dia"),
    (S::Of, "de|del|de el|de la|en el|en la|de los|de las"),
    (S::From, "desde|desde el|de|del|a partir de|a partir del"),
    (S::Between, "entre|entre el|entre las"),
    (
        S::After,
        "despues de comer|despues del almuerzo|despues de la|despues de las|tras|despues de|despues del|luego de",
    ),
    (S::And, "y|e"),
    (S::Or, "o|u|o bien"),
    (S::Not, "no|excepto|salvo|menos el"),
    (S::Minus, "menos"),
    (S::DownTo, "para las|para la"),
    (S::Plus, "+|mas"),
    (S::For, "por|para|durante"),
    (
        S::EndOfDay,
        "a ultima hora|a ultima hora del dia|final del dia|fin del dia|fin de dia|finalizar el dia|ultimo minuto del dia|final de la jornada|fin de la jornada|fin de jornada|\
         finales del dia|terminar el dia|acabar el dia|ultima hora del dia|cierre del dia|final de dia|terminar la jornada",
    ),
    (
        S::EndOf,
        "fin de|fin del|final de|final del|finales de|finales del|fines de|fines del|finalizar|finalizar el|finalizar la|\
         a final de|a finales de|a fin de|a fines de|cierre de|cierre del|ultimo dia de|ultimo dia del|el ultimo dia de|el ultimo dia del|final de la|finales de la|fin de la",
    ),
    (
        S::Vague,
        "mas tarde|un poco mas tarde|algo mas tarde|mas adelante|temprano|mas temprano|tempranito|un poco antes|\
         principios de|principio de|comienzos de|comienzo de|inicio de|inicios de|mediados de|principios del|principio del|\
         comienzos del|inicio del|inicios del|mediados del|primera mitad|segunda mitad|primeros dias|ultimos dias|resto de|\
         resto del|primera semana|segunda semana|tercera semana|cuarta semana|tercer semana|ultima semana|semana del|\
         primera quincena|segunda quincena|primeros|lo que queda|mitad de|mitad del",
    ),
    (S::LastDay, "ultimo dia de|ultimo dia del|el ultimo dia de|el ultimo dia del"),
    (
        S::NotThis,
        "pero no este|pero no esta|no este|no esta|pero no el proximo|pero no este que viene|pero no el que viene|no el proximo sino el siguiente|no este sino el siguiente|no este sino el otro",
    ),
    (
        S::SameTime,
        "a la misma hora|a esta misma hora|a esta hora|misma hora|a estas horas|a la misma hora que hoy|a la misma hora de hoy|a la hora de siempre|a la hora de hoy|a la hora de ahora",
    ),
    (
        S::Within,
        "dentro de los proximos|dentro de las proximas|en los proximos|en las proximas|dentro de los siguientes|\
         dentro de las siguientes|en los siguientes|en las siguientes|en el plazo de",
    ),
    (S::Loosely, "y pico|y algo|y tantos|y tantas|la otra semana|otra semana|el otro mes|otro dia"),
    (S::Weekend, "fin de semana|finde|fines de semana|el fin de semana"),
    (S::Matter, "acerca de|acerca del|respecto a|respecto al|sobre el|sobre la|sobre los|sobre|lo de|lo del|lo de la"),
    (S::OtherCalendar, "chino|lunar|ortodoxo|ortodoxa|judio|judia|persa|musulman|islamico"),
    (S::That, "que|porque|para que|de que"),
    (S::Per, "por cada|cada uno|cada una"),
    (
        S::Request,
        "escribeme|escribame|llamame|llameme|recuerdame|recuerdeme|avisame|aviseme|contactame|escribir|llamar|hablame|\
         escribenos|llamanos|mandame|escribidme|escribi|escribime|avisa",
    ),
    (
        S::Small,
        "sobre|por|y|o|si|con|que|porfa|porfavor|gracias|de|en|cuando|me|mi|favor|te|le|nos|para|pero|entonces|vale|ok|es|\
         porque|a|acerca|tu|el|su|sin|como|estoy|estare|puedo|puede|puedes|hablamos|quedamos|nuestro|los|las|la|lo|un|una|llamada|reunion|no|ya|se|esta|voy|va",
    ),
    (
        S::Counted,
        "por ciento|euros|euro|dolares|pesos|personas|kg|km|metros|veces|piezas|unidades|tiendas|minutas|puntos|grados|\
         pisos|lugares|manos|ciudades|paises|opciones|clientes|k|millones|miles|soles|litros|usd|eur|pares",
    ),
];

const ZONES: Table = &[
    (S::Zone(0), "utc|gmt|zulu|hora utc|hora gmt"),
    (S::Zone(180), "msk"),
    (S::Abbreviation(Tz::Europe__Paris, 60), "cet"),
    (S::Abbreviation(Tz::Europe__Paris, 120), "cest"),
    (S::Abbreviation(Tz::America__Los_Angeles, -480), "pst"),
    (S::Abbreviation(Tz::America__Los_Angeles, -420), "pdt"),
    (S::Abbreviation(Tz::America__Chicago, -300), "cdt"),
    (S::Abbreviation(Tz::America__New_York, -240), "edt"),
    (
        S::Place(Tz::Europe__Madrid),
        "hora de madrid|hora de espana|hora espanola|hora peninsular|hora peninsular espanola|horario de espana|horario espanol|horario peninsular|hora en espana|hora de barcelona",
    ),
    (S::Place(Tz::Atlantic__Canary), "hora canaria|hora de canarias|hora insular|hora en canarias"),
    (
        S::Place(Tz::America__Argentina__Buenos_Aires),
        "hora argentina|hora de argentina|hora de buenos aires|horario de argentina|horario argentino",
    ),
    (
        S::Place(Tz::America__Bogota),
        "hora colombiana|hora de colombia|hora de bogota|horario de colombia|hora colombia",
    ),
    (S::Place(Tz::America__Lima), "hora peruana|hora de peru|hora de lima|hora peru"),
    (S::Place(Tz::America__Caracas), "hora de caracas|hora venezolana|hora de venezuela"),
    (S::Place(Tz::America__Santiago), "hora de santiago|hora de santiago de chile"),
    (S::Place(Tz::America__Montevideo), "hora uruguaya|hora de montevideo|hora de uruguay"),
    (
        S::Place(Tz::America__Mexico_City),
        "hora de la ciudad de mexico|hora de ciudad de mexico|hora del centro de mexico|hora cdmx|hora de cdmx",
    ),
    (S::Place(Tz::America__New_York), "hora de nueva york|hora de miami|hora del este"),
    (S::Place(Tz::Europe__London), "hora de londres|hora inglesa|hora del reino unido"),
    (S::Place(Tz::Europe__Paris), "hora de paris|hora francesa|hora de francia"),
    (S::Place(Tz::Europe__Berlin), "hora de berlin|hora alemana|hora de alemania"),
    (S::Place(Tz::Europe__Moscow), "hora de moscu"),
    (S::Place(Tz::Asia__Tokyo), "hora de tokio|hora japonesa|jst"),
    (
        S::UnclearZone,
        "est|cst|mst|ist|art|brt|clt|hora de mexico|hora mexicana|hora local|hora del pacifico|hora chilena|hora de chile|hora brasilena|hora de brasil|hora vuestra|hora suya|tu hora|su hora|vuestra hora",
    ),
];

const fn nth(n: i32, weekday: chrono::Weekday, month: u32) -> S {
    S::Holiday(Holiday::Nth { n, weekday, month, plus: 0 })
}

const HOLIDAYS: Table = &[
    (S::Holiday(Holiday::Fixed(12, 25)), "navidad|navidades|dia de navidad|la navidad"),
    (S::Holiday(Holiday::Fixed(12, 24)), "nochebuena|noche buena|vispera de navidad"),
    (S::Holiday(Holiday::Fixed(12, 31)), "nochevieja|noche vieja|vispera de ano nuevo|fin de ano|san silvestre"),
    (S::Holiday(Holiday::Fixed(1, 1)), "ano nuevo|dia de ano nuevo|el ano nuevo|dia de ano|yuandan"),
    (S::Holiday(Holiday::Fixed(1, 6)), "dia de reyes|reyes magos|dia de los reyes magos|noche de reyes|epifania"),
    (
        S::Holiday(Holiday::Fixed(2, 14)),
        "san valentin|dia de san valentin|dia de los enamorados|dia del amor y la amistad",
    ),
    (S::Holiday(Holiday::Fixed(2, 4)), "dia mundial contra el cancer"),
    (S::Holiday(Holiday::Fixed(3, 1)), "dia de la cero discriminacion|dia de cero discriminacion"),
    (S::Holiday(Holiday::Fixed(3, 14)), "dia de pi"),
    (S::Holiday(Holiday::Fixed(3, 21)), "dia mundial de la poesia"),
    (S::Holiday(Holiday::Fixed(3, 22)), "dia mundial del agua"),
    (S::Holiday(Holiday::Fixed(4, 1)), "dia de los inocentes de abril|dia de las bromas de abril"),
    (S::Holiday(Holiday::Fixed(4, 7)), "dia mundial de la salud"),
    (S::Holiday(Holiday::Fixed(4, 23)), "dia del libro|dia mundial del libro|sant jordi"),
    (S::Holiday(Holiday::Fixed(6, 5)), "dia mundial del medio ambiente"),
    (S::Holiday(Holiday::Fixed(9, 21)), "dia internacional de la paz"),
    (S::Holiday(Holiday::Fixed(10, 5)), "dia mundial de los docentes|dia mundial de los maestros"),
    (S::Holiday(Holiday::Fixed(11, 17)), "dia mundial del prematuro|dia mundial del nino prematuro"),
    (S::Holiday(Holiday::Fixed(11, 19)), "dia internacional del hombre"),
    (S::Holiday(Holiday::Fixed(12, 1)), "dia mundial del sida|dia mundial de la lucha contra el sida"),
    (S::Holiday(Holiday::Fixed(12, 6)), "dia de la constitucion"),
    (S::Holiday(Holiday::Fixed(12, 10)), "dia de los derechos humanos"),
    (S::Holiday(Holiday::Fixed(12, 18)), "dia mundial de la lengua arabe"),
    (S::Holiday(Holiday::Fixed(3, 8)), "dia de la mujer|dia internacional de la mujer"),
    (S::Holiday(Holiday::Fixed(4, 22)), "dia de la tierra"),
    (
        S::Holiday(Holiday::Fixed(5, 1)),
        "dia del trabajo|dia del trabajador|dia de los trabajadores|dia internacional del trabajo",
    ),
    (S::Holiday(Holiday::Fixed(10, 12)), "dia de la hispanidad|dia de la raza"),
    (S::Holiday(Holiday::Fixed(10, 31)), "halloween|noche de brujas|dia de halloween"),
    (S::Holiday(Holiday::Fixed(11, 1)), "todos los santos|dia de todos los santos"),
    (S::Holiday(Holiday::Fixed(11, 2)), "dia de los muertos|dia de muertos|dia de los difuntos"),
    (S::Holiday(Holiday::Fixed(11, 11)), "dia de los veteranos"),
    (S::Holiday(Holiday::Fixed(12, 28)), "dia de los inocentes|dia de los santos inocentes|santos inocentes"),
    (S::Holiday(Holiday::Thanksgiving), "accion de gracias|dia de accion de gracias|dia de gracias"),
    (S::Holiday(Holiday::FathersDay), "dia del padre|dia de padre"),
    (nth(3, Mon, 1), "dia de martin luther king|dia de mlk"),
    (nth(3, Mon, 2), "dia de los presidentes|dia del presidente"),
    (nth(-1, Mon, 5), "dia de los caidos|memorial day"),
    (S::Holiday(Holiday::Nth { n: 4, weekday: Thu, month: 11, plus: 1 }), "black friday|viernes negro"),
    (S::Holiday(Holiday::Nth { n: 4, weekday: Thu, month: 11, plus: 4 }), "cyber monday|ciberlunes|lunes cibernetico"),
    (
        S::Holiday(Holiday::Easter(0)),
        "pascua|pascuas|domingo de pascua|domingo de resurreccion|la pascua|semana santa domingo",
    ),
    (S::Holiday(Holiday::Easter(1)), "lunes de pascua"),
    (S::Holiday(Holiday::Easter(-2)), "viernes santo"),
    (S::Holiday(Holiday::Easter(-3)), "jueves santo"),
    (S::Holiday(Holiday::Easter(-1)), "sabado santo|sabado de gloria"),
    (S::Holiday(Holiday::Easter(-7)), "domingo de ramos"),
    (S::Holiday(Holiday::Easter(-46)), "miercoles de ceniza"),
    (S::Holiday(Holiday::Easter(-47)), "martes de carnaval"),
    (S::Holiday(Holiday::Easter(60)), "corpus christi"),
];
