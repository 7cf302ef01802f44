package pdf

import (
	"errors"
)

// Limits of an object stream.
const (
	maxObjectStream        = 32 << 20 // decoded bytes
	maxObjectStreamObjects = 1 << 20
)

// objectStream is a decoded object stream (ISO 32000-1, Section 7.5.7).
type objectStream struct {
	ref    Ref
	data   []byte
	places []objectPlace // in the order of the stream
}

type objectPlace struct {
	num   uint32
	start int // in data
}

// objectStream reads and decodes the stream object ind. Extends needs no
// care: cross-reference entries name the very stream that holds an object.
func (v *View) objectStream(ind *Indirect) (*objectStream, error) {
	r := v.r
	if s, ok := r.cache.streams[ind.Start]; ok {
		return s, nil
	}
	st, ok := ind.Value.(*Stream)
	if !ok || st.Name("Type") != "ObjStm" {
		return nil, refuseAt(Damaged, ind.Start, "object %v is not an object stream", ind.Ref)
	}
	n, err := v.intValue(st.Get("N"))
	if err != nil {
		return nil, err
	}
	first, err := v.intValue(st.Get("First"))
	if err != nil {
		return nil, err
	}
	if n > maxObjectStreamObjects {
		return nil, refuseAt(TooLarge, ind.Start, "object stream %v of %d objects", ind.Ref, n)
	}
	data, err := v.StreamData(st, maxObjectStream)
	if err != nil {
		return nil, err
	}
	if n < 0 || first < 0 || first > int64(len(data)) || n > int64(len(data)) {
		return nil, refuseAt(Damaged, ind.Start, "object stream %v with odd N or First", ind.Ref)
	}
	s := &objectStream{ref: ind.Ref, data: data, places: make([]objectPlace, 0, n)}
	if err := s.readPlaces(int(n), int(first)); err != nil {
		return nil, &Error{Reason: Damaged, Detail: "object stream " + ind.Ref.String(), Offset: ind.Start, Err: err}
	}
	r.cache.putStream(ind.Start, s)
	return s, nil
}

// readPlaces reads the pairs of number and offset at the head.
func (s *objectStream) readPlaces(n, first int) error {
	l := lexer{buf: s.data[:first], final: true}
	for range n {
		num, err := l.next()
		if err != nil {
			return err
		}
		off, err := l.next()
		if err != nil {
			return err
		}
		if num.kind != tokInteger || off.kind != tokInteger || num.num < 0 || num.num > 1<<32-1 ||
			off.num < 0 || off.num > int64(len(s.data)-first) {
			return errors.New("malformed list of objects")
		}
		s.places = append(s.places, objectPlace{uint32(num.num), first + int(off.num)})
	}
	return nil
}

// object reads the object that the cross-reference places at index.
func (s *objectStream) object(num, index uint32) (*Indirect, error) {
	if int64(index) >= int64(len(s.places)) || s.places[index].num != num {
		return nil, refuse(Damaged, "object %d is not at place %d of object stream %v", num, index, s.ref)
	}
	at := s.places[index].start
	p := &parser{lexer: lexer{buf: s.data[at:], final: true}}
	if err := p.skipSpace(); err != nil {
		return nil, err
	}
	p.rebase()
	ind := &Indirect{Ref: Ref{Num: num}, Offset: -1, Start: -1, Container: s.ref}
	o, span, err := p.object()
	if err != nil {
		reason := Damaged
		if c := reasonOf(err); c != "" {
			reason = c
		}
		return nil, &Error{Reason: reason, Detail: "object in object stream " + s.ref.String(), Offset: -1, Err: err}
	}
	ind.Value, ind.Raw = o, append([]byte(nil), p.buf[span.Start:span.End]...)
	return ind, nil
}
