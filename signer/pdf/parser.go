package pdf

import "math"

// maxDepth is how deep arrays and dictionaries may nest. Real files stay
// under 30.
const maxDepth = 100

// maxNodes is how many parts one object may have: each takes up to ten times
// the memory of its bytes.
const maxNodes = 1 << 20

// parser reads objects from a buffer.
type parser struct {
	lexer
	// decrypt, when set, is applied to every string but a signature's
	// Contents.
	decrypt func([]byte) ([]byte, error)
	depth   int
	nodes   int
	scratch
}

// scratch holds the parts of arrays and dictionaries that are open, and room for those of small ones that are closed.
type scratch struct {
	objects []Object
	entries []Entry
	slab    []Entry
}

// slabSize is how many entries are made at once. A dictionary that is kept keeps the slab, 4 kB.
const slabSize = 64

// keep copies a closed dictionary's entries into the slab, or, when there are many, a slice of their own.
func (s *scratch) keep(entries []Entry) []Entry {
	n := len(entries)
	if n > slabSize/4 {
		return append([]Entry(nil), entries...)
	}
	if cap(s.slab)-len(s.slab) < n {
		s.slab = make([]Entry, 0, slabSize)
	}
	at := len(s.slab)
	s.slab = append(s.slab, entries...)
	return s.slab[at : at+n : at+n]
}

// maxScratch bounds what is kept from one object to the next.
const maxScratch = 4096

// object reads one object; a reference is an object, an indirect object's
// "obj" wrapping is not.
func (p *parser) object() (Object, Span, error) {
	t, err := p.next()
	if err != nil {
		return nil, Span{}, err
	}
	return p.objectFrom(t)
}

func (p *parser) objectFrom(t token) (Object, Span, error) {
	span := Span{int64(t.start), int64(t.end)}
	if p.nodes++; p.nodes > maxNodes {
		return nil, span, refuseAt(TooLarge, p.base+span.Start, "object of more than %d parts", maxNodes)
	}
	switch t.kind {
	case tokInteger:
		return p.integerOrRef(t)
	case tokReal:
		return Real(t.real), span, nil
	case tokString:
		b := t.bytes
		if p.decrypt != nil {
			var err error
			if b, err = p.decrypt(b); err != nil {
				return nil, span, err
			}
		}
		return String(b), span, nil
	case tokName:
		return nameObject(t.bytes), span, nil
	case tokArrayOpen:
		return p.array(t)
	case tokDictOpen:
		return p.dict(t)
	case tokKeyword:
		switch string(t.bytes) {
		case "true":
			return true, span, nil
		case "false":
			return false, span, nil
		case "null":
			return nil, span, nil
		}
		return nil, span, p.bad(t.start, "unknown word %.20q", t.bytes)
	case tokEOF:
		return nil, span, p.bad(t.start, "an object is missing at the end")
	}
	return nil, span, p.bad(t.start, "closing bracket where an object should be")
}

// integerOrRef looks two tokens ahead for "12 0 R".
func (p *parser) integerOrRef(t token) (Object, Span, error) {
	span := Span{int64(t.start), int64(t.end)}
	if t.num < 0 || t.num > math.MaxUint32 || p.buf[t.start] == '+' {
		return Integer(t.num), span, nil
	}
	mark := p.pos
	// Only digits may start a generation: save the look-ahead otherwise.
	if err := p.skipSpace(); err != nil {
		return nil, span, err
	}
	if p.pos < len(p.buf) && p.buf[p.pos] >= '0' && p.buf[p.pos] <= '9' {
		gen, err := p.regular()
		if err != nil {
			return nil, span, err
		}
		if gen.kind == tokInteger && gen.num <= math.MaxUint16 {
			if err := p.skipSpace(); err != nil {
				return nil, span, err
			}
			if p.pos < len(p.buf) && p.buf[p.pos] == 'R' {
				r, err := p.regular()
				if err != nil {
					return nil, span, err
				}
				if r.is("R") {
					return Ref{uint32(t.num), uint16(gen.num)}, Span{span.Start, int64(r.end)}, nil
				}
			}
		}
	}
	p.pos = mark
	return Integer(t.num), span, nil
}

func (p *parser) enter(at int) error {
	if p.depth++; p.depth > maxDepth {
		return refuseAt(TooDeep, p.base+int64(at), "objects nested deeper than %d", maxDepth)
	}
	return nil
}

func (p *parser) array(open token) (Object, Span, error) {
	span := Span{Start: int64(open.start)}
	if err := p.enter(open.start); err != nil {
		return nil, span, err
	}
	defer func() { p.depth-- }()
	mark := len(p.objects)
	for {
		t, err := p.next()
		if err != nil {
			return nil, span, err
		}
		if t.kind == tokArrayClose {
			span.End = int64(t.end)
			a := make(Array, len(p.objects)-mark)
			copy(a, p.objects[mark:])
			p.objects = p.objects[:mark]
			return a, span, nil
		}
		o, _, err := p.objectFrom(t)
		if err != nil {
			return nil, span, err
		}
		p.objects = append(p.objects, o)
	}
}

func (p *parser) dict(open token) (Object, Span, error) {
	d := &Dict{Span: Span{Start: int64(open.start)}}
	if err := p.enter(open.start); err != nil {
		return nil, d.Span, err
	}
	defer func() { p.depth-- }()
	decrypt := p.decrypt
	rawContents, contentsAt := "", -1
	mark := len(p.entries)
	for {
		t, err := p.next()
		if err != nil {
			return nil, d.Span, err
		}
		if t.kind == tokDictClose {
			d.Span.End = int64(t.end)
			d.Entries = p.keep(p.entries[mark:])
			p.entries = p.entries[:mark]
			break
		}
		if t.kind != tokName {
			return nil, d.Span, p.bad(t.start, "a dictionary key is not a name")
		}
		e := Entry{Key: nameOf(t.bytes), KeySpan: Span{int64(t.start), int64(t.end)}}
		if t, err = p.next(); err != nil {
			return nil, d.Span, err
		}
		if decrypt != nil && e.Key == "Contents" && t.kind == tokString {
			// Whether these bytes are encrypted shows when the whole
			// dictionary is known.
			rawContents, contentsAt = string(t.bytes), len(p.entries)-mark
			e.Value, e.ValueSpan = String(rawContents), Span{int64(t.start), int64(t.end)}
		} else if e.Value, e.ValueSpan, err = p.objectFrom(t); err != nil {
			return nil, d.Span, err
		}
		p.entries = append(p.entries, e)
	}
	if contentsAt >= 0 && !isSignatureDict(d) {
		b, err := decrypt([]byte(rawContents))
		if err != nil {
			return nil, d.Span, err
		}
		d.Entries[contentsAt].Value = String(b)
	}
	return d, d.Span, nil
}

// isSignatureDict reports whether a dictionary's Contents is a signature,
// which is never encrypted (ISO 32000-1, Section 7.6.1).
func isSignatureDict(d *Dict) bool {
	if t := d.Name("Type"); t == "Sig" || t == "DocTimeStamp" {
		return true
	}
	return d.Has("ByteRange")
}
