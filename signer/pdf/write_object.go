package pdf

import (
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strconv"
)

// AppendObject appends an object as it is written into a file. Strings of
// plain ASCII become literal strings, others hexadecimal ones; encrypt, when
// not nil, is applied to every string but the Contents of a signature.
func AppendObject(dst []byte, o Object, encrypt func([]byte) ([]byte, error)) ([]byte, error) {
	w := objectWriter{encrypt: encrypt}
	return w.append(dst, o, 0)
}

type objectWriter struct {
	encrypt func([]byte) ([]byte, error)
}

func (w objectWriter) append(dst []byte, o Object, depth int) ([]byte, error) {
	if depth > maxDepth {
		return nil, refuse(TooDeep, "objects to write nested deeper than %d", maxDepth)
	}
	switch v := o.(type) {
	case nil:
		return append(dst, "null"...), nil
	case bool:
		return strconv.AppendBool(dst, v), nil
	case Integer:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case int:
		return strconv.AppendInt(dst, int64(v), 10), nil
	case Real:
		return appendReal(dst, float64(v))
	case String:
		return w.string(dst, string(v))
	case Name:
		return appendName(dst, v), nil
	case Ref:
		return append(dst, v.String()...), nil
	case Raw:
		return append(dst, v...), nil
	case Array:
		return w.array(dst, v, depth)
	case Map:
		return w.entries(dst, sortedEntries(v), v["ByteRange"] != nil, depth)
	case *Dict:
		return w.entries(dst, v.Entries, isSignatureDict(v), depth)
	case *Stream:
		return nil, refuse(TypeMismatch, "a stream can't stand inside another object")
	}
	return nil, refuse(TypeMismatch, "%T is not a PDF object", o)
}

func (w objectWriter) array(dst []byte, a Array, depth int) ([]byte, error) {
	dst = append(dst, '[')
	for i, o := range a {
		if i > 0 {
			dst = append(dst, ' ')
		}
		var err error
		if dst, err = w.append(dst, o, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, ']'), nil
}

func (w objectWriter) entries(dst []byte, entries []Entry, signature bool, depth int) ([]byte, error) {
	dst = append(dst, "<<"...)
	for _, e := range entries {
		dst = appendName(dst, e.Key)
		dst = append(dst, ' ')
		inner := w
		if signature && e.Key == "Contents" {
			inner.encrypt = nil
		}
		var err error
		if dst, err = inner.append(dst, e.Value, depth+1); err != nil {
			return nil, err
		}
	}
	return append(dst, ">>"...), nil
}

// sortedEntries lists a Map's entries, Type and Subtype first.
func sortedEntries(m Map) []Entry {
	entries := make([]Entry, 0, len(m))
	for k, v := range m {
		if v != nil {
			entries = append(entries, Entry{Key: k, Value: v})
		}
	}
	rank := func(k Name) string {
		switch k {
		case "Type":
			return "\x00"
		case "Subtype":
			return "\x01"
		}
		return "\x02" + string(k)
	}
	slices.SortFunc(entries, func(a, b Entry) int {
		if rank(a.Key) < rank(b.Key) {
			return -1
		}
		return 1
	})
	return entries
}

// appendReal writes at most five decimals, without an exponent.
func appendReal(dst []byte, f float64) ([]byte, error) {
	if math.IsNaN(f) || math.IsInf(f, 0) || math.Abs(f) > 1e15 {
		return nil, refuse(TypeMismatch, "number %v can't be written", f)
	}
	f = math.Round(f*1e5) / 1e5
	if f == 0 {
		f = 0 // no "-0"
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64), nil
}

func appendName(dst []byte, n Name) []byte {
	dst = append(dst, '/')
	for i := range len(n) {
		c := n[i]
		if c <= ' ' || c >= 0x7f || c == '#' || charClass[c] != classRegular {
			dst = fmt.Appendf(dst, "#%02X", c)
			continue
		}
		dst = append(dst, c)
	}
	return dst
}

func (w objectWriter) string(dst []byte, s string) ([]byte, error) {
	b := []byte(s)
	if w.encrypt != nil {
		var err error
		if b, err = w.encrypt(b); err != nil {
			return nil, err
		}
		return appendHexString(dst, b), nil
	}
	for _, c := range b {
		if c < ' ' || c > '~' {
			return appendHexString(dst, b), nil
		}
	}
	dst = append(dst, '(')
	for _, c := range b {
		if c == '(' || c == ')' || c == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, c)
	}
	return append(dst, ')'), nil
}

func appendHexString(dst, b []byte) []byte {
	dst = append(dst, '<')
	dst = hex.AppendEncode(dst, b)
	return append(dst, '>')
}
