//! Characters that are not the language's: what the keys of other keyboards and word processors leave behind, and what
//! cannot be seen at all.

use unicode_properties::{GeneralCategory, GeneralCategoryGroup, UnicodeEmoji, UnicodeGeneralCategory};

/// The plain form of a punctuation mark or digit of another keyboard; `None` for a character of the language.
pub fn plain_form(c: char) -> Option<String> {
    let plain = match c {
        '\'' | '“' | '”' | '„' | '‟' | '‘' | '’' | '‚' | '‛' | '«' | '»' | '‹' | '›' | '＂' | '＇' | '「' | '」'
        | '『' | '』' | '《' | '》' => "\"",
        '、' | '､' => ",",
        '。' | '｡' => ".",
        '【' | '〔' => "[",
        '】' | '〕' => "]",
        '–' | '—' | '−' | '―' | '‐' | '‑' => "-",
        '…' => "..",
        '×' | '·' | '⋅' => "*",
        '÷' => "/",
        '≤' => "<=",
        '≥' => ">=",
        '≠' => "!=",
        '〜' | '∼' => "~",
        '²' => "^2",
        '³' => "^3",
        '\u{ff01}'..='\u{ff5e}' => {
            return char::from_u32(c as u32 - 0xfee0).map(|plain| plain.to_string());
        }
        _ => return None,
    };
    Some(plain.to_string())
}

/// Whether a foreign mark opens or closes a piece of text.
pub fn is_foreign_quote(c: char) -> bool {
    plain_form(c).as_deref() == Some("\"")
}

/// Marks that change the direction of the text around them.
pub fn is_bidirectional(c: char) -> bool {
    matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Whether `c` leaves no trace on a screen, being neither a blank nor the end of a line.
pub fn is_invisible(c: char) -> bool {
    match c {
        '\t' | '\n' | '\r' => false,
        '\u{115f}' | '\u{1160}' | '\u{3164}' | '\u{ffa0}' | '\u{034f}' | '\u{2028}' | '\u{2029}' => true,
        // Signs of Arabic, Syriac and Kaithi numbers are written, though they are formats.
        '\u{0600}'..='\u{0605}'
        | '\u{06dd}'
        | '\u{070f}'
        | '\u{0890}'
        | '\u{0891}'
        | '\u{08e2}'
        | '\u{110bd}'
        | '\u{110cd}' => false,
        _ if c.is_ascii() => c.is_ascii_control(),
        _ => matches!(c.general_category(), GeneralCategory::Control | GeneralCategory::Format),
    }
}

/// A mark that combines with the letter before it.
pub fn is_mark(c: char) -> bool {
    !c.is_ascii() && c.general_category_group() == GeneralCategoryGroup::Mark
}

/// A joiner is a letter's companion in scripts that take it, and holds emoji together.
pub fn is_joiner_in_place(c: char, before: Option<char>, after: Option<char>) -> bool {
    let (Some(before), Some(after)) = (before, after) else { return false };
    if c != '\u{200c}' && c != '\u{200d}' {
        return false;
    }
    let takes = |x: char| matches!(x as u32, 0x0600..=0x08ff | 0x0900..=0x0dff | 0x0f00..=0x109f | 0x1780..=0x18af | 0xa840..=0xaaff | 0x11000..=0x11fff);
    let pictured = |x: char| !x.is_ascii() && (x.is_emoji_char() || x == '\u{fe0f}');
    (takes(before) && takes(after)) || (c == '\u{200d}' && pictured(before) && pictured(after))
}

/// The Unicode name of a character nobody can see.
pub fn name(c: char) -> String {
    let known = match c {
        '\0' => "NULL",
        '\u{7f}' => "DELETE",
        '\u{85}' => "NEXT LINE",
        '\u{ad}' => "SOFT HYPHEN",
        '\u{034f}' => "COMBINING GRAPHEME JOINER",
        '\u{061c}' => "ARABIC LETTER MARK",
        '\u{115f}' => "HANGUL CHOSEONG FILLER",
        '\u{1160}' => "HANGUL JUNGSEONG FILLER",
        '\u{180e}' => "MONGOLIAN VOWEL SEPARATOR",
        '\u{200b}' => "ZERO WIDTH SPACE",
        '\u{200c}' => "ZERO WIDTH NON-JOINER",
        '\u{200d}' => "ZERO WIDTH JOINER",
        '\u{200e}' => "LEFT-TO-RIGHT MARK",
        '\u{200f}' => "RIGHT-TO-LEFT MARK",
        '\u{2028}' => "LINE SEPARATOR",
        '\u{2029}' => "PARAGRAPH SEPARATOR",
        '\u{202a}' => "LEFT-TO-RIGHT EMBEDDING",
        '\u{202b}' => "RIGHT-TO-LEFT EMBEDDING",
        '\u{202c}' => "POP DIRECTIONAL FORMATTING",
        '\u{202d}' => "LEFT-TO-RIGHT OVERRIDE",
        '\u{202e}' => "RIGHT-TO-LEFT OVERRIDE",
        '\u{2060}' => "WORD JOINER",
        '\u{2061}' => "FUNCTION APPLICATION",
        '\u{2062}' => "INVISIBLE TIMES",
        '\u{2063}' => "INVISIBLE SEPARATOR",
        '\u{2064}' => "INVISIBLE PLUS",
        '\u{2066}' => "LEFT-TO-RIGHT ISOLATE",
        '\u{2067}' => "RIGHT-TO-LEFT ISOLATE",
        '\u{2068}' => "FIRST STRONG ISOLATE",
        '\u{2069}' => "POP DIRECTIONAL ISOLATE",
        '\u{3164}' => "HANGUL FILLER",
        '\u{feff}' => "ZERO WIDTH NO-BREAK SPACE",
        '\u{ffa0}' => "HALFWIDTH HANGUL FILLER",
        _ if c.is_control() => "CONTROL CHARACTER",
        _ => "FORMAT CHARACTER",
    };
    known.to_string()
}

/// `U+201C`.
pub fn code_point(c: char) -> String {
    format!("U+{:04X}", c as u32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_width_marks_have_their_plain_form() {
        assert_eq!(plain_form('（').as_deref(), Some("("));
        assert_eq!(plain_form('～').as_deref(), Some("~"));
        assert_eq!(plain_form('７').as_deref(), Some("7"));
        assert_eq!(plain_form('…').as_deref(), Some(".."));
        assert_eq!(plain_form('é'), None);
        assert_eq!(plain_form('专'), None);
    }

    #[test]
    fn a_joiner_belongs_between_letters_that_take_it() {
        assert!(is_joiner_in_place('\u{200c}', Some('ی'), Some('ن')));
        assert!(is_joiner_in_place('\u{200d}', Some('👩'), Some('👧')));
        assert!(!is_joiner_in_place('\u{200d}', Some('a'), Some('b')));
        assert!(!is_joiner_in_place('\u{200c}', Some('ی'), None));
    }

    #[test]
    fn invisible_characters_are_named() {
        assert!(is_invisible('\u{200b}') && is_invisible('\u{feff}') && is_invisible('\u{202e}'));
        assert!(!is_invisible('\u{3000}') && !is_invisible('\u{a0}') && !is_invisible('é'));
        assert_eq!(name('\u{200b}'), "ZERO WIDTH SPACE");
        assert_eq!(code_point('\u{200b}'), "U+200B");
    }
}
