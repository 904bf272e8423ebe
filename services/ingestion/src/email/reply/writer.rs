//! Who writes a mail, and whether a line is their name: in whatever order and in which alphabet.

/// Words of a name that are compared; what is more is no name.
const MOST_WORDS: usize = 12;

/// What is known of the writer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Writer {
    /// The words of their name and of their address, as they sound.
    words: Vec<String>,
    /// Lower-cased; empty if it isn't known.
    pub address: String,
}

/// How much of the writer's name a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signs {
    Nothing,
    /// One word of it.
    First,
    /// The name with more than one word.
    Whole,
}

impl Signs {
    pub fn some(self) -> Option<Self> {
        (self != Self::Nothing).then_some(self)
    }
}

impl Writer {
    /// The writer as a From has them: `Ana Borg <ana@example.com>`, a name or an address alone, or nothing.
    pub fn of(from: &str) -> Self {
        let (name, address) = match from.rsplit_once('<') {
            Some((name, address)) => (name, address.trim_end_matches(['>', ' '])),
            None if from.contains('@') => ("", from),
            None => (from, ""),
        };
        // A display name may be an address, too.
        let name = name.split('@').next().unwrap_or_default();
        let address = address.trim().to_lowercase();
        let local = address.split(['@', '+']).next().unwrap_or_default();
        let mut words: Vec<String> = Vec::new();
        for word in words_of(name).chain(words_of(local)).take(MOST_WORDS) {
            let sound = sound_of(word);
            if sound.chars().count() > 1 && !words.contains(&sound) {
                words.push(sound);
            }
        }
        Self { words, address }
    }

    /// Whether there is somebody whose signature could be known.
    pub fn is_known(&self) -> bool {
        !self.words.is_empty() || !self.address.is_empty()
    }

    /// How much of the writer's name a line is, and of nothing else but titles and initials.
    pub fn signs(&self, line: &str) -> Signs {
        if self.words.is_empty() || line.len() > 200 {
            return Signs::Nothing;
        }
        // `Ana Borg, Head of Sales`, `Ana Borg | Example Ltd`
        let name = line.split([',', '|', '(', '/']).map(str::trim).find(|part| part.contains(char::is_alphabetic));
        let comma = line.trim().trim_end_matches([',', '.']).matches(',').count() == 1;
        // `Borg, Ana`
        let turned = comma && line.split(',').all(|part| part.split_whitespace().count() == 1);
        let name = if turned { line } else { name.unwrap_or_default() };
        let (mut known, mut strange, mut small) = (0, 0, 0);
        for word in words_of(name) {
            let sound = sound_of(word);
            if sound.chars().count() < 2 || TITLES.contains(&word.to_lowercase().as_str()) {
                continue;
            }
            if self.words.iter().any(|own| alike(own, &sound)) {
                known += 1;
            } else if word.starts_with(char::is_lowercase) {
                small += 1;
            } else {
                strange += 1;
            }
        }
        // Other words of theirs may stand between: `Ana María Borg`.
        match (known, strange, small) {
            (0, ..) | (_, _, 1..) => Signs::Nothing,
            (1, 0, 0) if self.words.len() == 1 && !name.contains(' ') => Signs::Whole,
            (1, 0, 0) => Signs::First,
            (1, 1, 0) => Signs::Whole,
            (2.., 0..=2, 0) => Signs::Whole,
            _ => Signs::Nothing,
        }
    }
}

/// Words that stand beside a name.
const TITLES: &[&str] =
    &["dr", "mr", "mrs", "ms", "prof", "herr", "frau", "dipl", "ing", "phd", "jr", "sr", "mag", "me", "sra", "don"];

fn words_of(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

/// Whether two words are the same name; longer ones may differ in a vowel, as alphabets spell them differently.
fn alike(one: &str, other: &str) -> bool {
    let consonants = |word: &str| word.chars().filter(|c| !"aeiou".contains(*c)).collect::<String>();
    one == other
        || one.len() >= 5
            && other.len() >= 5
            && one.chars().next() == other.chars().next()
            && consonants(one).len() >= 3
            && consonants(one) == consonants(other)
}

/// A word by its sound: `Юлия`, `Yulia` and `Julia` are one, as are `Müller`, `Mueller` and `Muller`.
fn sound_of(word: &str) -> String {
    let mut latin = String::with_capacity(word.len());
    for c in word.to_lowercase().chars() {
        match c {
            'а' | 'á' | 'à' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' | 'ά' | 'α' => latin.push('a'),
            'ä' | 'æ' => latin.push_str("ae"),
            'б' | 'β' => latin.push('b'),
            'в' => latin.push('v'),
            'г' | 'ґ' | 'γ' | 'ğ' => latin.push('g'),
            'д' | 'đ' | 'ď' | 'δ' => latin.push('d'),
            'е' | 'ё' | 'э' | 'є' | 'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' | 'ė' | 'ε' | 'έ' | 'η' => {
                latin.push('e')
            }
            'ж' | 'ž' | 'ź' | 'ż' | 'з' | 'ζ' => latin.push('z'),
            'и' | 'й' | 'і' | 'ї' | 'ы' | 'í' | 'ì' | 'î' | 'ï' | 'ı' | 'ī' | 'ι' | 'ί' | 'ý' => {
                latin.push('i')
            }
            'к' | 'κ' => latin.push('k'),
            'л' | 'ł' | 'ľ' | 'λ' => latin.push('l'),
            'м' | 'μ' => latin.push('m'),
            'н' | 'ñ' | 'ń' | 'ň' | 'ν' => latin.push('n'),
            'о' | 'ó' | 'ò' | 'ô' | 'õ' | 'ő' | 'ο' | 'ό' | 'ω' | 'ώ' => latin.push('o'),
            'ö' | 'ø' | 'œ' => latin.push_str("oe"),
            'п' | 'π' => latin.push('p'),
            'р' | 'ř' | 'ρ' => latin.push('r'),
            'с' | 'ш' | 'щ' | 'š' | 'ś' | 'ş' | 'ș' | 'σ' | 'ς' => latin.push('s'),
            'ß' => latin.push_str("ss"),
            'т' | 'ť' | 'ţ' | 'ț' | 'τ' => latin.push('t'),
            'у' | 'ю' | 'ў' | 'ú' | 'ù' | 'û' | 'ů' | 'ű' | 'ū' => latin.push('u'),
            'ü' => latin.push_str("ue"),
            'ф' | 'φ' => latin.push('f'),
            'х' | 'χ' => latin.push('h'),
            'ц' | 'ч' | 'č' | 'ć' | 'ç' => latin.push('c'),
            'я' => latin.push('a'),
            'ь' | 'ъ' | '\'' | '’' => {}
            other => latin.push(other),
        }
    }
    for (written, heard) in SOUNDS {
        if latin.contains(written) {
            latin = latin.replace(written, heard);
        }
    }
    let mut sound = String::with_capacity(latin.len());
    for c in latin.chars() {
        if !sound.ends_with(c) {
            sound.push(c);
        }
    }
    sound
}

/// Spellings of one sound, the longer first.
const SOUNDS: &[(&str, &str)] = &[
    ("shch", "s"),
    ("tsch", "c"),
    ("sch", "s"),
    ("sh", "s"),
    ("sz", "s"),
    ("zh", "z"),
    ("rz", "z"),
    ("kh", "h"),
    ("ch", "c"),
    ("cz", "c"),
    ("ts", "c"),
    ("tz", "c"),
    ("ph", "f"),
    ("th", "t"),
    ("ck", "k"),
    ("x", "ks"),
    ("q", "k"),
    ("w", "v"),
    ("y", "i"),
    ("j", "i"),
    ("ii", "i"),
    ("ia", "a"),
    ("iu", "u"),
    ("ie", "e"),
    ("io", "o"),
    ("ee", "i"),
    ("ou", "u"),
    ("ae", "a"),
    ("oe", "o"),
    ("ue", "u"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_known_in_any_order_and_alphabet() {
        for (from, line) in [
            ("Ana Borg <a@b.com>", "Ana Borg"),
            ("Borg, Ana <a@b.com>", "Ana Borg"),
            ("Ana Borg", "Borg, Ana"),
            ("Ana Borg", "ANA BORG"),
            ("Ana Borg", "Ana María Borg, Head of Sales"),
            ("Ana Borg", "Dr. Ana Borg | Example Ltd"),
            ("ana.borg@example.com", "Ana Borg"),
            ("<ana_borg77@example.com>", "Ana Borg"),
            ("Ivan Petrov", "Иван Петров"),
            ("Иван Петров", "Ivan Petrov"),
            ("Sergei Yakovlev", "Сергей Яковлев"),
            ("Yulia Schukina", "Юлия Щукина"),
            ("Александр Жуков", "Alexander Zhukov"),
            ("Jürgen Müller", "Juergen Mueller"),
            ("Jürgen Müller", "Jurgen Muller"),
            ("Mikhail Khodorov", "Михаил Ходоров"),
            ("ivan.petrov@example.ru", "Иван Петров"),
            ("Петров Иван Сергеевич", "Иван Петров"),
        ] {
            assert_eq!(Writer::of(from).signs(line), Signs::Whole, "{from}: {line}");
        }
        assert_eq!(Writer::of("Ana Borg").signs("-- Ana"), Signs::First);
        assert_eq!(Writer::of("ivan.petrov@example.ru").signs("Иван"), Signs::First);
    }

    #[test]
    fn other_lines_are_no_name() {
        for (from, line) in [
            ("Ana Borg", "Ana will come on Monday"),
            ("Ana Borg", "Please call Ana Borg"),
            ("Ana Borg", "Peter Borgmann"),
            ("info@example.com", "Ana Borg"),
            ("", "Ana Borg"),
            ("Ana Borg", ""),
            ("Ana Borg", "Monday"),
            ("Mark Stone", "the mark of stone"),
        ] {
            assert_eq!(Writer::of(from).signs(line), Signs::Nothing, "{from}: {line}");
        }
    }
}
