package pdf

import (
	"fmt"
	"slices"
)

// Object is a PDF object (ISO 32000-1, Section 7.3), one of: nil (null), bool,
// Integer, Real, String, Name, Array, *Dict, *Stream, Ref. For writing, Map
// and Raw are objects too; the parser never returns those.
type Object any

// Integer is an integer object.
type Integer int64

// Real is a real number object.
type Real float64

// String is a string object's bytes: unescaped and, in an encrypted file,
// decrypted. Text strings are turned into UTF-8 by Text.
type String string

// Name is a name object without its slash, #xx escapes resolved.
type Name string

// Array is an array object.
type Array []Object

// Ref is an indirect reference.
type Ref struct {
	Num uint32
	Gen uint16
}

// String returns the reference as it stands in a file, "12 0 R".
func (r Ref) String() string { return fmt.Sprintf("%d %d R", r.Num, r.Gen) }

// Map is a dictionary to be written; keys are written in sorted order, Type
// and Subtype first. Values that are nil interfaces are left out.
type Map map[Name]Object

// Raw is written as it is, never encrypted.
type Raw string

// Span is a half-open range of bytes.
type Span struct{ Start, End int64 }

// Len returns the number of bytes.
func (s Span) Len() int64 { return s.End - s.Start }

// Shift returns the span moved by n bytes.
func (s Span) Shift(n int64) Span { return Span{s.Start + n, s.End + n} }

// Entry is one key and value of a dictionary. Spans count from the first byte
// of the Raw of the Indirect that holds the dictionary.
type Entry struct {
	Key       Name
	Value     Object
	KeySpan   Span
	ValueSpan Span
}

// Dict is a dictionary object in the order of the file.
type Dict struct {
	Entries []Entry
	Span    Span // from "<<" to behind ">>"
}

// Get returns the value of key, or nil; of a key that stands twice the last
// value, as most readers do. See Duplicates.
func (d *Dict) Get(key Name) Object {
	if e := d.Entry(key); e != nil {
		return e.Value
	}
	return nil
}

// Entry returns the last entry of key, or nil.
func (d *Dict) Entry(key Name) *Entry {
	if d == nil {
		return nil
	}
	for i := len(d.Entries) - 1; i >= 0; i-- {
		if d.Entries[i].Key == key {
			return &d.Entries[i]
		}
	}
	return nil
}

// Has reports whether key is there with a value other than null.
func (d *Dict) Has(key Name) bool { return d.Get(key) != nil }

// Duplicates returns the keys that stand more than once, in which readers
// differ and attackers hide.
func (d *Dict) Duplicates() []Name {
	var dup []Name
	seen := make(map[Name]bool, len(d.Entries))
	for _, e := range d.Entries {
		if seen[e.Key] && !slices.Contains(dup, e.Key) {
			dup = append(dup, e.Key)
		}
		seen[e.Key] = true
	}
	return dup
}

// Name returns the direct name under key, or "".
func (d *Dict) Name(key Name) Name {
	n, _ := d.Get(key).(Name)
	return n
}

// Int returns the direct integer under key.
func (d *Dict) Int(key Name) (int64, bool) {
	i, ok := d.Get(key).(Integer)
	return int64(i), ok
}

// Stream is a stream object: its dictionary and the place of its data. Data
// that is still encoded is read by Source.StreamData.
type Stream struct {
	*Dict
	// dataStart is the absolute offset of the first byte behind the "stream"
	// keyword's EOL as the standard wants it; see locate for what files do.
	afterKeyword int64
	ref          Ref // for decryption and messages
	pending      []byte
	isPending    bool // data is in pending, encoded but not encrypted
	r            *Reader
	noCrypt      bool // cross-reference streams are never encrypted
}

// Number returns the value of an Integer or Real.
func Number(o Object) (float64, bool) {
	switch v := o.(type) {
	case Integer:
		return float64(v), true
	case Real:
		return float64(v), true
	}
	return 0, false
}

// DictOf returns the dictionary of a *Dict or *Stream, or nil.
func DictOf(o Object) *Dict {
	switch v := o.(type) {
	case *Dict:
		return v
	case *Stream:
		return v.Dict
	}
	return nil
}
