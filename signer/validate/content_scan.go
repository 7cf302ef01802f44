package validate

import "bytes"

// Kinds of tokens in a content stream.
const (
	tokenEnd = iota
	tokenNumber
	tokenName
	tokenOperator
	tokenOther // strings, brackets
)

// scanner cuts a content stream into tokens (ISO 32000-1, Section 7.8.2).
type scanner struct {
	b []byte
	i int
}

func (s *scanner) next() (string, int) {
	s.space()
	if s.i >= len(s.b) {
		return "", tokenEnd
	}
	switch c := s.b[s.i]; {
	case c == '(':
		s.literal()
		return "", tokenOther
	case c == '<' || c == '>':
		s.angle(c)
		return "", tokenOther
	case c == '[' || c == ']' || c == '{' || c == '}' || c == ')':
		s.i++
		return "", tokenOther
	case c == '/':
		s.i++
		return s.word(), tokenName
	case c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.':
		return s.word(), tokenNumber
	}
	w := s.word()
	if w == "" {
		s.i++
		return "", tokenOther
	}
	return w, tokenOperator
}

// space moves over white space and comments.
func (s *scanner) space() {
	for s.i < len(s.b) {
		switch c := s.b[s.i]; {
		case white(c):
			s.i++
		case c == '%':
			for s.i < len(s.b) && s.b[s.i] != '\n' && s.b[s.i] != '\r' {
				s.i++
			}
		default:
			return
		}
	}
}

func white(c byte) bool {
	return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' || c == 0
}

func delimiter(c byte) bool { return bytes.IndexByte([]byte("()<>[]{}/%"), c) >= 0 }

// word reads regular characters.
func (s *scanner) word() string {
	from := s.i
	for s.i < len(s.b) && !white(s.b[s.i]) && !delimiter(s.b[s.i]) {
		s.i++
	}
	return string(s.b[from:s.i])
}

// literal moves behind a literal string.
func (s *scanner) literal() {
	for depth := 0; s.i < len(s.b); s.i++ {
		switch s.b[s.i] {
		case '\\':
			s.i++
		case '(':
			depth++
		case ')':
			if depth--; depth == 0 {
				s.i++
				return
			}
		}
	}
}

// angle moves behind a hexadecimal string or the bracket of a dictionary.
func (s *scanner) angle(c byte) {
	if s.i+1 < len(s.b) && s.b[s.i+1] == c {
		s.i += 2
		return
	}
	if c == '<' {
		if n := bytes.IndexByte(s.b[s.i:], '>'); n >= 0 {
			s.i += n
		} else {
			s.i = len(s.b)
		}
	}
	s.i++
}

// skipInline moves behind an inline image: to EI with white space around it.
func (s *scanner) skipInline() {
	for s.i < len(s.b) {
		n := bytes.Index(s.b[s.i:], []byte("EI"))
		if n < 0 {
			s.i = len(s.b)
			return
		}
		at := s.i + n
		s.i = at + 2
		if at > 0 && white(s.b[at-1]) && (s.i >= len(s.b) || white(s.b[s.i])) {
			return
		}
	}
}
