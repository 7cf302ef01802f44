package pdf

import "bytes"

// hex reads a hexadecimal string (Section 7.3.4.3). A missing last digit is 0.
func (l *lexer) hex() (token, error) {
	start := l.pos
	n := bytes.IndexByte(l.buf[start:], '>')
	if n < 0 {
		if !l.final {
			return token{}, errShort
		}
		return token{}, l.bad(start, "hexadecimal string without end")
	}
	body := l.buf[start+1 : start+n]
	out := make([]byte, 0, (len(body)+1)/2)
	high := -1
	for i, c := range body {
		v := unhex(c)
		switch {
		case v < 0 && isSpace(c):
		case v < 0:
			return token{}, l.bad(start+1+i, "byte %q in hexadecimal string", c)
		case high < 0:
			high = v
		default:
			out = append(out, byte(high<<4|v))
			high = -1
		}
	}
	if high >= 0 {
		out = append(out, byte(high<<4))
	}
	l.pos = start + n + 1
	return token{kind: tokString, start: start, end: l.pos, bytes: out}, nil
}

// literal reads a literal string (Section 7.3.4.2).
func (l *lexer) literal() (token, error) {
	start := l.pos
	var out []byte
	depth := 1
	for i := start + 1; i < len(l.buf); i++ {
		switch c := l.buf[i]; c {
		case '(':
			depth++
			out = append(out, c)
		case ')':
			if depth--; depth == 0 {
				l.pos = i + 1
				return token{kind: tokString, start: start, end: l.pos, bytes: out}, nil
			}
			out = append(out, c)
		case '\r': // any EOL in a string is one line feed
			if i+1 < len(l.buf) && l.buf[i+1] == '\n' {
				i++
			}
			out = append(out, '\n')
		case '\\':
			var n int
			if out, n = escape(out, l.buf[i+1:]); n == 0 {
				i = len(l.buf)
			}
			i += n
		default:
			out = append(out, c)
		}
	}
	if !l.final {
		return token{}, errShort
	}
	return token{}, l.bad(start, "literal string without end")
}

// escape appends what the characters behind a backslash stand for and returns
// how many they are; 0 when there are none.
func escape(out, in []byte) ([]byte, int) {
	if len(in) == 0 {
		return out, 0
	}
	switch c := in[0]; c {
	case 'n':
		return append(out, '\n'), 1
	case 'r':
		return append(out, '\r'), 1
	case 't':
		return append(out, '\t'), 1
	case 'b':
		return append(out, '\b'), 1
	case 'f':
		return append(out, '\f'), 1
	case '\n':
		return out, 1
	case '\r':
		if len(in) > 1 && in[1] == '\n' {
			return out, 2
		}
		return out, 1
	case '0', '1', '2', '3', '4', '5', '6', '7':
		v, n := 0, 0
		for n < 3 && n < len(in) && in[n] >= '0' && in[n] <= '7' {
			v = v<<3 | int(in[n]-'0')
			n++
		}
		return append(out, byte(v)), n // overflow is ignored: Table 3
	default:
		return append(out, c), 1
	}
}
