//! Server-sent events, read as they arrive: the frames of `text/event-stream` out of any pieces of it.
//!
//! As the HTML standard has it (9.2.6): a frame ends at an empty line, a line at CR, LF or both, a frame without data is
//! none, and what isn't ended when the stream ends is lost. `id` and `retry` are for browsers that connect again.

/// A frame.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frame {
    /// Its `event`; empty: it names none.
    pub event: String,
    /// Its lines of `data`, joined by LF.
    pub data: String,
}

/// A frame is longer than one may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameTooLong;

/// The reader. It holds no more than one frame, up to its bound, and passes over each byte once.
#[derive(Debug)]
pub struct Reader {
    most: usize,
    /// The line that isn't ended yet.
    line: Vec<u8>,
    frame: Frame,
    has_data: bool,
    /// The last byte was a CR, which has ended its line: a LF behind it belongs to it.
    after_cr: bool,
    /// No line has ended yet, so that this one may begin with a byte order mark.
    first: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl Reader {
    /// A reader of frames of at most so many bytes.
    pub fn new(most: usize) -> Self {
        Self { most, line: Vec::new(), frame: Frame::default(), has_data: false, after_cr: false, first: true }
    }

    /// Reads a piece of the stream and adds the frames that end in it.
    ///
    /// # Errors
    /// A frame is too long; nothing more can be read then.
    pub fn read(&mut self, piece: &[u8], frames: &mut Vec<Frame>) -> Result<(), FrameTooLong> {
        let mut rest = piece;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|b| matches!(b, b'\r' | b'\n'));
            let (part, ended) = rest.split_at(end.unwrap_or(rest.len()));
            if self.line.len() + part.len() + self.frame.data.len() + self.frame.event.len() > self.most {
                return Err(FrameTooLong);
            }
            self.line.extend_from_slice(part);
            let Some(by) = ended.first() else { return Ok(()) };
            self.after_cr = *by == b'\r';
            rest = &ended[1..];
            self.end_line(frames);
        }
        Ok(())
    }

    fn end_line(&mut self, frames: &mut Vec<Frame>) {
        let mut line = self.line.as_slice();
        if std::mem::take(&mut self.first) {
            line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        }
        if line.is_empty() {
            let frame = std::mem::take(&mut self.frame);
            if std::mem::take(&mut self.has_data) {
                frames.push(frame);
            }
        } else {
            let (field, value) = match line.iter().position(|b| *b == b':') {
                Some(at) => (&line[..at], &line[at + 1..]),
                None => (line, &[][..]),
            };
            let value = String::from_utf8_lossy(value.strip_prefix(b" ").unwrap_or(value));
            match field {
                b"data" => {
                    if std::mem::replace(&mut self.has_data, true) {
                        self.frame.data.push('\n');
                    }
                    self.frame.data.push_str(&value);
                }
                b"event" => self.frame.event = value.into_owned(),
                // A comment, which begins with the colon, or a field for others.
                _ => {}
            }
        }
        self.line.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames_of<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<(String, String)> {
        let mut reader = Reader::new(1 << 20);
        let mut frames = Vec::new();
        for piece in pieces {
            reader.read(piece, &mut frames).unwrap();
        }
        frames.into_iter().map(|frame| (frame.event, frame.data)).collect()
    }

    fn frames(text: &str) -> Vec<(String, String)> {
        frames_of([text.as_bytes()])
    }

    fn frame(event: &str, data: &str) -> (String, String) {
        (event.to_owned(), data.to_owned())
    }

    #[test]
    fn frames_are_read_as_the_standard_has_them() {
        assert_eq!(frames("data: a\n\n"), [frame("", "a")]);
        assert_eq!(frames("event: x\ndata:a\ndata:  b\ndata\n\n: ping\n\nevent: y\n\n"), [frame("x", "a\n b\n")]);
        assert_eq!(
            frames("data: a\r\n\r\ndata: b\r\rdata: c\n\r\ndata: d\n\n"),
            ["a", "b", "c", "d"].map(|d| frame("", d))
        );
        assert_eq!(frames("\u{feff}data: a\n\n\u{feff}data: b\n\n"), [frame("", "a")], "only the first is a mark");
        assert_eq!(frames("id: 1\nretry: 5\ndatas: x\ndata: {\"a\":1}   \n\n"), [frame("", "{\"a\":1}   ")]);
        assert_eq!(frames("data: a\n\ndata: lost\n"), [frame("", "a")]);
        assert_eq!(frames("data:\n\n"), [frame("", "")]);
    }

    #[test]
    fn what_is_no_utf_8_is_replaced_and_ends_nothing() {
        assert_eq!(frames_of([&b"data: \xff\xd0\n\ndata: b\n\n"[..]]), [frame("", "\u{fffd}\u{fffd}"), frame("", "b")]);
    }

    #[test]
    fn a_frame_has_a_bound_however_it_is_made_up() {
        for (text, fits) in [
            ("data: 3456\n\n".repeat(100), true),
            ("data: 34567\n".to_owned(), false),
            ("data: 3\n".repeat(4), false),
            (":23456789012".to_owned(), false),
            ("event: 34567".to_owned(), false),
        ] {
            let mut reader = Reader::new(10);
            assert_eq!(reader.read(text.as_bytes(), &mut Vec::new()).is_ok(), fits, "{text}");
        }
    }

    /// The standard, read slowly: line by line from the whole text.
    fn slowly(text: &str) -> Vec<(String, String)> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text).replace("\r\n", "\n").replace('\r', "\n");
        let mut found = Vec::new();
        let (mut event, mut data): (String, Vec<String>) = (String::new(), Vec::new());
        let lines: Vec<&str> = text.split('\n').collect();
        // What stands behind the last end of a line is no line.
        for line in &lines[..lines.len() - 1] {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value).to_owned();
            match field {
                "" if line.is_empty() => {
                    if !data.is_empty() {
                        found.push((event.clone(), data.join("\n")));
                    }
                    (event, data) = (String::new(), Vec::new());
                }
                "data" => data.push(value),
                "event" => event = value,
                _ => {}
            }
        }
        found
    }

    fn stream() -> impl Strategy<Value = String> {
        let piece = prop_oneof![
            Just("data: ".to_owned()),
            Just("data:".to_owned()),
            Just("event: ".to_owned()),
            Just(": ".to_owned()),
            Just("\n".to_owned()),
            Just("\r".to_owned()),
            Just("\r\n".to_owned()),
            Just("\n\n".to_owned()),
            Just("\r\n\r\n".to_owned()),
            Just("\u{feff}".to_owned()),
            "[a-zж🙂: ]{0,6}",
        ];
        prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn any_split_of_the_bytes_gives_the_same_frames(text in stream(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12)) {
            let bytes = text.as_bytes();
            let expected = slowly(&text);
            prop_assert_eq!(&frames(&text), &expected);
            prop_assert_eq!(&frames_of(bytes.chunks(1)), &expected);
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let pieces: Vec<&[u8]> = at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(&frames_of(pieces), &expected);
        }
    }
}
