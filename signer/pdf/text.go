package pdf

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// pdfDoc maps the bytes of PDFDocEncoding that differ from Latin-1 (Annex D.3).
// Undefined bytes are U+FFFD.
var pdfDoc = func() [256]rune {
	var m [256]rune
	for i := range m {
		m[i] = rune(i)
	}
	for i, r := range []rune("\u02D8\u02C7\u02C6\u02D9\u02DD\u02DB\u02DA\u02DC") {
		m[0x18+i] = r
	}
	for i, r := range []rune("\u2022\u2020\u2021\u2026\u2014\u2013\u0192\u2044\u2039\u203A\u2212\u2030\u201E\u201C\u201D\u2018" +
		"\u2019\u201A\u2122\uFB01\uFB02\u0141\u0152\u0160\u0178\u017D\u0131\u0142\u0153\u0161\u017E\uFFFD\u20AC") {
		m[0x80+i] = r
	}
	m[0x7f], m[0xad] = utf8.RuneError, utf8.RuneError
	return m
}()

// Text decodes a text string (Section 7.9.2.2): UTF-16BE or UTF-8 behind a byte
// order mark (the latter ISO 32000-2), else PDFDocEncoding. Language escapes are
// left out. UTF-16LE, which some writers use, is understood too.
func Text(s String) string {
	switch {
	case strings.HasPrefix(string(s), "\xFE\xFF"):
		return decodeUTF16(string(s[2:]), func(hi, lo byte) uint16 { return uint16(hi)<<8 | uint16(lo) })
	case strings.HasPrefix(string(s), "\xFF\xFE"):
		return decodeUTF16(string(s[2:]), func(lo, hi byte) uint16 { return uint16(hi)<<8 | uint16(lo) })
	case strings.HasPrefix(string(s), "\xEF\xBB\xBF"):
		return strings.ToValidUTF8(string(s[3:]), "\uFFFD")
	}
	var b strings.Builder
	for i := range len(s) {
		b.WriteRune(pdfDoc[s[i]])
	}
	return b.String()
}

func decodeUTF16(s string, unit func(a, b byte) uint16) string {
	u := make([]uint16, 0, len(s)/2)
	escaped := false
	for i := 0; i+1 < len(s); i += 2 {
		c := unit(s[i], s[i+1])
		if c == 0x1b { // language escape, up to the next one
			escaped = !escaped
			continue
		}
		if !escaped {
			u = append(u, c)
		}
	}
	return string(utf16.Decode(u))
}

// EncodeText encodes a text string: ASCII as it is, everything else as
// UTF-16BE behind a byte order mark, which AppendObject writes in hexadecimal
// (the low byte of ĩ is a parenthesis).
func EncodeText(s string) String {
	ascii := true
	for i := range len(s) {
		c := s[i]
		if c >= 0x7f || c < ' ' && c != '\n' && c != '\r' && c != '\t' {
			ascii = false
		}
	}
	if ascii {
		return String(s)
	}
	b := []byte{0xFE, 0xFF}
	for _, u := range utf16.Encode([]rune(s)) {
		b = append(b, byte(u>>8), byte(u))
	}
	return String(b)
}

// EncodeDate returns a date string (Section 7.9.4) with t's own offset from
// UTC, such as D:20250721093000+07'00'.
func EncodeDate(t time.Time) String {
	_, off := t.Zone()
	if off == 0 {
		return String(t.Format("D:20060102150405Z"))
	}
	sign := '+'
	if off < 0 {
		sign, off = '-', -off
	}
	return String(fmt.Sprintf("%s%c%02d'%02d'", t.Format("D:20060102150405"), sign, off/3600, off/60%60))
}

// ParseDate reads a date string; parts behind the year may be missing, and a
// missing offset is taken as UTC.
func ParseDate(s String) (time.Time, error) {
	bad := refuse(Damaged, "malformed date %.40q", string(s))
	rest := strings.TrimPrefix(Text(s), "D:")
	parts := [6]int{0, 1, 1, 0, 0, 0}
	for i, width := range [6]int{4, 2, 2, 2, 2, 2} {
		n, ok := digits(rest, width)
		if !ok {
			if i == 0 {
				return time.Time{}, bad
			}
			break
		}
		parts[i], rest = n, rest[width:]
	}
	offset, ok := parseOffset(rest)
	if !ok {
		return time.Time{}, bad
	}
	loc := time.UTC
	if offset != 0 {
		loc = time.FixedZone("", offset)
	}
	t := time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], 0, loc)
	if t.Month() != time.Month(parts[1]) || t.Day() != parts[2] || t.Hour() != parts[3] || t.Minute() != parts[4] || t.Second() != parts[5] {
		return time.Time{}, bad
	}
	return t, nil
}

func digits(s string, n int) (int, bool) {
	if len(s) < n {
		return 0, false
	}
	v := 0
	for _, c := range []byte(s[:n]) {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int(c-'0')
	}
	return v, true
}

// parseOffset reads "", "Z", "+07", "+07'00" and "+07'00'" as seconds.
func parseOffset(s string) (int, bool) {
	if s == "" {
		return 0, true
	}
	sign := 1
	switch s[0] {
	case 'Z', '+':
	case '-':
		sign = -1
	default:
		return 0, false
	}
	h, ok := digits(s[1:], 2)
	if !ok {
		return 0, s == "Z"
	}
	s = strings.TrimPrefix(s[3:], "'")
	m := 0
	if s != "" {
		if m, ok = digits(s, 2); !ok {
			return 0, false
		}
		s = strings.TrimPrefix(s[2:], "'")
	}
	return sign * (h*3600 + m*60), s == "" && h < 24 && m < 60
}
