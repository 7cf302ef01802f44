package pdf

import (
	"bytes"
	"errors"
	"strconv"
)

// errShort says that the buffer ended inside a token or object; the caller
// reads more or, at the end of the file, refuses.
var errShort = errors.New("pdf: object continues behind the buffer")

type tokenKind uint8

const (
	tokEOF tokenKind = iota
	tokInteger
	tokReal
	tokString
	tokName
	tokKeyword // true, obj, R, stream, ...
	tokArrayOpen
	tokArrayClose
	tokDictOpen
	tokDictClose
)

// token is one lexical token (ISO 32000-1, Section 7.2).
type token struct {
	kind       tokenKind
	start, end int     // in the buffer
	num        int64   // tokInteger
	real       float64 // tokReal
	bytes      []byte  // tokString, tokName, tokKeyword: resolved bytes
}

func (t token) is(keyword string) bool { return t.kind == tokKeyword && string(t.bytes) == keyword }

// lexer cuts a buffer into tokens. When final is false the buffer is only the
// beginning of the input, and a token that touches its end is errShort.
type lexer struct {
	buf   []byte
	pos   int
	final bool
	// base is the absolute offset of buf[0], for messages.
	base int64
}

// Character classes of Section 7.2.2.
const (
	classRegular = iota
	classSpace
	classDelimiter
)

var charClass = [256]uint8{
	0: classSpace, '\t': classSpace, '\n': classSpace, '\f': classSpace, '\r': classSpace, ' ': classSpace,
	'(': classDelimiter, ')': classDelimiter, '<': classDelimiter, '>': classDelimiter,
	'[': classDelimiter, ']': classDelimiter, '{': classDelimiter, '}': classDelimiter,
	'/': classDelimiter, '%': classDelimiter,
}

func isSpace(b byte) bool { return charClass[b] == classSpace }

func (l *lexer) bad(at int, format string, args ...any) error {
	return refuseAt(Damaged, l.base+int64(at), format, args...)
}

// skipSpace moves over white space and comments.
func (l *lexer) skipSpace() error {
	for l.pos < len(l.buf) {
		b := l.buf[l.pos]
		switch {
		case isSpace(b):
			l.pos++
		case b == '%':
			n := bytes.IndexAny(l.buf[l.pos:], "\r\n")
			if n < 0 {
				l.pos = len(l.buf)
				break
			}
			l.pos += n
		default:
			return nil
		}
	}
	if !l.final {
		return errShort
	}
	return nil
}

// next returns the next token; tokEOF at the end of a final buffer.
func (l *lexer) next() (token, error) {
	if err := l.skipSpace(); err != nil {
		return token{}, err
	}
	if l.pos >= len(l.buf) {
		return token{kind: tokEOF, start: l.pos, end: l.pos}, nil
	}
	start := l.pos
	switch b := l.buf[start]; b {
	case '[':
		return l.punct(tokArrayOpen, 1), nil
	case ']':
		return l.punct(tokArrayClose, 1), nil
	case '(':
		return l.literal()
	case '/':
		return l.name()
	case '<', '>':
		if start+1 >= len(l.buf) {
			if !l.final {
				return token{}, errShort
			}
		} else if l.buf[start+1] == b {
			if b == '<' {
				return l.punct(tokDictOpen, 2), nil
			}
			return l.punct(tokDictClose, 2), nil
		}
		if b == '<' {
			return l.hex()
		}
		return token{}, l.bad(start, "stray >")
	case ')', '{', '}':
		return token{}, l.bad(start, "stray %q", b)
	}
	return l.regular()
}

func (l *lexer) punct(k tokenKind, n int) token {
	t := token{kind: k, start: l.pos, end: l.pos + n}
	l.pos += n
	return t
}

// regularEnd returns the index behind the run of regular characters from i.
func (l *lexer) regularEnd(i int) (int, error) {
	for i < len(l.buf) && charClass[l.buf[i]] == classRegular {
		i++
	}
	if i == len(l.buf) && !l.final {
		return 0, errShort
	}
	return i, nil
}

func (l *lexer) regular() (token, error) {
	start := l.pos
	end, err := l.regularEnd(start)
	if err != nil {
		return token{}, err
	}
	l.pos = end
	t := token{start: start, end: end, bytes: l.buf[start:end]}
	t.kind, t.num, t.real = classify(t.bytes)
	return t, nil
}

// classify tells numbers from keywords. Numbers are what Section 7.3.3 says,
// nothing more: no exponents, no double signs.
func classify(b []byte) (tokenKind, int64, float64) {
	digits, dots := 0, 0
	for i, c := range b {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == '.':
			dots++
		case (c == '+' || c == '-') && i == 0:
		default:
			return tokKeyword, 0, 0
		}
	}
	if digits == 0 || dots > 1 {
		return tokKeyword, 0, 0
	}
	if dots == 0 {
		if n, err := strconv.ParseInt(string(b), 10, 64); err == nil {
			return tokInteger, n, 0
		}
	}
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil {
		return tokKeyword, 0, 0
	}
	return tokReal, 0, f
}

// name reads a name; #xx stands for a byte (Section 7.3.5). A # without two
// hexadecimal digits behind it stands for itself, as in PDF 1.1.
func (l *lexer) name() (token, error) {
	start := l.pos
	end, err := l.regularEnd(start + 1)
	if err != nil {
		return token{}, err
	}
	raw := l.buf[start+1 : end]
	out := raw
	if bytes.IndexByte(raw, '#') >= 0 {
		out = make([]byte, 0, len(raw))
		for i := 0; i < len(raw); i++ {
			if raw[i] == '#' && i+2 < len(raw) {
				hi, lo := unhex(raw[i+1]), unhex(raw[i+2])
				if hi >= 0 && lo >= 0 {
					out = append(out, byte(hi<<4|lo))
					i += 2
					continue
				}
			}
			out = append(out, raw[i])
		}
	}
	l.pos = end
	return token{kind: tokName, start: start, end: end, bytes: out}, nil
}

func unhex(b byte) int {
	switch {
	case b >= '0' && b <= '9':
		return int(b - '0')
	case b >= 'a' && b <= 'f':
		return int(b-'a') + 10
	case b >= 'A' && b <= 'F':
		return int(b-'A') + 10
	}
	return -1
}
