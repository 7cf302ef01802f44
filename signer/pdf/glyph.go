package pdf

import (
	"strconv"
	"strings"
	"unicode/utf16"
)

// The upper halves of the base encodings (Annex D.2); "\uFFFD" is undefined.
const (
	winAnsiHigh = "€•‚ƒ„…†‡ˆ‰Š‹Œ•Ž••‘’“”•–—˜™š›œ•žŸ"
	macHigh     = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø" +
		"¿¡¬√ƒ≈∆«»… ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ\uFFFDÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ"
	standardHigh = "\uFFFD¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ\uFFFD–†‡·\uFFFD¶•‚„”»…‰\uFFFD¿\uFFFD`´ˆ˜¯˘˙¨\uFFFD˚¸\uFFFD˝˛ˇ—" // from 0xA0
)

// baseEncoding returns the text of each code in a named encoding. Fonts without
// one have an encoding of their own; WinAnsi is then the best guess.
func baseEncoding(name Name) *[256]string {
	var e [256]string
	for i := 32; i < 127; i++ {
		e[i] = string(rune(i))
	}
	fill := func(from int, s string) {
		for _, r := range s {
			if r != '\uFFFD' && from < 256 {
				e[from] = string(r)
			}
			from++
		}
	}
	switch name {
	case "MacRomanEncoding":
		fill(0x80, macHigh)
	case "StandardEncoding":
		e['\''], e['`'] = "’", "‘"
		fill(0xA0, standardHigh)
		fill(0xE1, "Æ\uFFFDª\uFFFD\uFFFD\uFFFD\uFFFDŁØŒº")
		fill(0xF1, "æ\uFFFD\uFFFD\uFFFDı\uFFFD\uFFFDłøœß")
	default:
		fill(0x80, winAnsiHigh)
		for i := 0xA0; i < 256; i++ {
			e[i] = string(rune(i))
		}
	}
	return &e
}

// glyphNames are names of the Adobe Glyph List that have no rule.
var glyphNames = map[string]string{
	"space": " ", "exclam": "!", "quotedbl": "\"", "numbersign": "#", "dollar": "$", "percent": "%",
	"ampersand": "&", "quotesingle": "'", "parenleft": "(", "parenright": ")", "asterisk": "*",
	"plus": "+", "comma": ",", "hyphen": "-", "minus": "−", "period": ".", "slash": "/", "zero": "0",
	"one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6", "seven": "7",
	"eight": "8", "nine": "9", "colon": ":", "semicolon": ";", "less": "<", "equal": "=",
	"greater": ">", "question": "?", "at": "@", "bracketleft": "[", "backslash": "\\",
	"bracketright": "]", "asciicircum": "^", "underscore": "_", "grave": "`", "braceleft": "{",
	"bar": "|", "braceright": "}", "asciitilde": "~", "bullet": "•", "dagger": "†", "daggerdbl": "‡",
	"ellipsis": "…", "emdash": "—", "endash": "–", "guilsinglleft": "‹", "guilsinglright": "›",
	"quotedblbase": "„", "quotedblleft": "“", "quotedblright": "”", "quoteleft": "‘",
	"quoteright": "’", "quotesinglbase": "‚", "trademark": "™", "fi": "fi", "fl": "fl", "ff": "ff",
	"ffi": "ffi", "ffl": "ffl", "AE": "Æ", "ae": "æ", "OE": "Œ", "oe": "œ", "Oslash": "Ø",
	"oslash": "ø", "Lslash": "Ł", "lslash": "ł", "germandbls": "ß", "dotlessi": "ı", "Eth": "Ð",
	"eth": "ð", "Thorn": "Þ", "thorn": "þ", "Dcroat": "Đ", "dcroat": "đ", "Dslash": "Đ",
	"dmacron": "đ", "copyright": "©", "registered": "®", "degree": "°", "section": "§",
	"paragraph": "¶", "periodcentered": "·", "guillemotleft": "«", "guillemotright": "»",
	"exclamdown": "¡", "questiondown": "¿", "cent": "¢", "sterling": "£", "yen": "¥", "Euro": "€",
	"dong": "₫", "multiply": "×", "divide": "÷", "plusminus": "±", "nbspace": " ", "sfthyphen": "-",
	"currency": "¤", "brokenbar": "¦", "logicalnot": "¬", "mu": "µ", "ordfeminine": "ª",
	"ordmasculine": "º", "onequarter": "¼", "onehalf": "½", "threequarters": "¾", "fraction": "⁄",
}

// glyphAccents are the parts of names such as acircumflexacute.
var glyphAccents = []struct{ name, mark string }{
	{"circumflex", "\u0302"}, {"hookabove", "\u0309"}, {"dotbelow", "\u0323"}, {"dotaccent", "\u0307"},
	{"dieresis", "\u0308"}, {"cedilla", "\u0327"}, {"ogonek", "\u0328"}, {"macron", "\u0304"},
	{"grave", "\u0300"}, {"acute", "\u0301"}, {"tilde", "\u0303"}, {"breve", "\u0306"},
	{"caron", "\u030C"}, {"horn", "\u031B"}, {"ring", "\u030A"},
}

// glyphText returns the text that a glyph name stands for, letters with accents
// decomposed; "" for names of no meaning such as g12.
func glyphText(name string) string {
	name, _, _ = strings.Cut(name, ".") // a.sc, one.oldstyle
	if s, ok := glyphNames[name]; ok {
		return s
	}
	if len(name) == 1 {
		return name
	}
	if hex, ok := strings.CutPrefix(name, "uni"); ok && len(hex) >= 4 && len(hex)%4 == 0 {
		var u []uint16
		for ; hex != ""; hex = hex[4:] {
			v, err := strconv.ParseUint(hex[:4], 16, 16)
			if err != nil {
				return ""
			}
			u = append(u, uint16(v))
		}
		return string(utf16.Decode(u))
	}
	if hex, ok := strings.CutPrefix(name, "u"); ok && len(hex) >= 4 && len(hex) <= 6 {
		if v, err := strconv.ParseUint(hex, 16, 21); err == nil {
			return string(rune(v))
		}
	}
	return accented(name)
}

// accented resolves a letter followed by names of accents.
func accented(name string) string {
	if name == "" || (name[0]|0x20) < 'a' || (name[0]|0x20) > 'z' {
		return ""
	}
	out, rest := name[:1], name[1:]
next:
	for rest != "" {
		for _, a := range glyphAccents {
			if r, ok := strings.CutPrefix(rest, a.name); ok {
				out, rest = out+a.mark, r
				continue next
			}
		}
		return ""
	}
	return out
}
