package pdf

import (
	"bytes"
	"errors"
	"math"
)

// Indirect is an indirect object as it stands in the file.
type Indirect struct {
	Ref   Ref
	Value Object
	// Raw is the value's bytes as they stand in the file, still encrypted;
	// of a stream, its dictionary. Spans in Value count from Raw[0].
	Raw []byte
	// Offset is the absolute offset of Raw[0], or -1 when the object stands in
	// an object stream or nowhere.
	Offset int64
	// Start is the absolute offset of "12 0 obj", or -1.
	Start int64
	// Container is the object stream that holds the object, or zero.
	Container Ref
	// Missing says that the cross-reference has no such object, or that it is
	// free; the value is then null (ISO 32000-1, Section 7.3.10).
	Missing bool
}

// Span returns the absolute place of a span of Value, false when the object
// has no place of its own in the file.
func (i *Indirect) Span(s Span) (Span, bool) {
	if i.Offset < 0 {
		return Span{}, false
	}
	return s.Shift(i.Offset), true
}

// Dict returns the dictionary of a dictionary or stream object, or nil.
func (i *Indirect) Dict() *Dict { return DictOf(i.Value) }

// grow calls parse with ever longer pieces of the file from off until it no
// longer says errShort.
func (r *Reader) grow(off int64, parse func(p *parser) error) error {
	first := 1024
	if r.whole() {
		first = wholeFile
	}
	for n := first; ; n *= 4 {
		buf, err := r.readAt(off, n)
		if err != nil {
			return err
		}
		p := &parser{lexer: lexer{buf: buf, base: off, final: off+int64(len(buf)) >= r.size}, scratch: r.scratch}
		err = parse(p)
		if cap(p.objects) <= maxScratch && cap(p.entries) <= maxScratch {
			r.scratch = scratch{p.objects[:0], p.entries[:0], p.slab}
		}
		if !errors.Is(err, errShort) {
			return err
		}
		if p.final {
			return refuseAt(Damaged, off, "object cut off by the end of the file")
		}
		if n >= maxObjectSize {
			return refuseAt(TooLarge, off, "object longer than %d bytes", maxObjectSize)
		}
	}
}

// parseAt reads one object at off and returns it with its bytes and place;
// spans count from there.
func (r *Reader) parseAt(off int64, decrypt func([]byte) ([]byte, error)) (o Object, raw []byte, at int64, err error) {
	err = r.grow(off, func(p *parser) error {
		if err := p.skipSpace(); err != nil {
			return err
		}
		p.decrypt = decrypt
		p.rebase()
		var span Span
		if o, span, err = p.object(); err != nil {
			return err
		}
		raw, at = bytes.Clone(p.buf[span.Start:span.End]), p.base
		return nil
	})
	return o, raw, at, err
}

// rebase makes the next byte the first of the buffer, so that spans count
// from it.
func (p *parser) rebase() {
	p.buf = p.buf[p.pos:]
	p.base += int64(p.pos)
	p.pos = 0
}

// header reads "12 0 obj".
func (p *parser) header() (Ref, error) {
	var ref Ref
	num, err := p.next()
	if err != nil {
		return ref, err
	}
	gen, err := p.next()
	if err != nil {
		return ref, err
	}
	word, err := p.next()
	if err != nil {
		return ref, err
	}
	if num.kind != tokInteger || gen.kind != tokInteger || !word.is("obj") ||
		num.num < 0 || num.num > math.MaxUint32 || gen.num < 0 || gen.num > math.MaxUint16 {
		return ref, p.bad(num.start, "no object here")
	}
	return Ref{uint32(num.num), uint16(gen.num)}, nil
}

// headerAt returns whose object header stands at off.
func (r *Reader) headerAt(off int64) (ref Ref, err error) {
	err = r.grow(off, func(p *parser) error {
		ref, err = p.header()
		return err
	})
	return ref, err
}

// parseIndirect reads the indirect object at off. crypt is nil before it is
// known.
func (r *Reader) parseIndirect(off int64, c *crypt) (ind *Indirect, err error) {
	err = r.grow(off, func(p *parser) error {
		if err := p.skipSpace(); err != nil {
			return err
		}
		ind = &Indirect{Start: p.base + int64(p.pos)}
		if ind.Ref, err = p.header(); err != nil {
			return err
		}
		if err := p.skipSpace(); err != nil {
			return err
		}
		p.rebase()
		if !r.xrefStreams[ind.Start] {
			p.decrypt = c.stringDecrypter(ind.Ref)
		}
		ind.Offset = p.base
		o, span, err := p.object()
		if err != nil {
			return err
		}
		ind.Value, ind.Raw = o, p.buf[span.Start:span.End:span.End]
		t, err := p.next()
		if err != nil {
			return err
		}
		d, isDict := o.(*Dict)
		switch {
		case t.is("endobj"):
		case t.is("stream") && isDict:
			ind.Value = &Stream{Dict: d, afterKeyword: p.base + int64(t.end), ref: ind.Ref, r: r}
		default:
			return p.bad(t.start, "no endobj behind object %v", ind.Ref)
		}
		if !r.whole() {
			ind.Raw = bytes.Clone(ind.Raw) // let the long buffer go
		}
		return nil
	})
	return ind, err
}

// objectEnd returns the absolute offset behind "endobj".
func (r *Reader) objectEnd(ind *Indirect, res resolver) (int64, error) {
	off := ind.Offset + int64(len(ind.Raw))
	if st, ok := ind.Value.(*Stream); ok {
		data, err := r.locate(st, res)
		if err != nil {
			return 0, err
		}
		off = data.End
	}
	var end int64
	err := r.grow(off, func(p *parser) error {
		t, err := p.next()
		if err == nil && t.is("endstream") {
			t, err = p.next()
		}
		if err != nil {
			return err
		}
		if !t.is("endobj") {
			return p.bad(t.start, "no endobj behind object %v", ind.Ref)
		}
		end = p.base + int64(t.end)
		return nil
	})
	return end, err
}

// cacheKey tells objects apart by place, so that it serves all views.
type cacheKey struct {
	off   int64  // of the object or its object stream
	num   uint32 // 0 for a whole object stream
	index int64  // in the object stream, -1 for plain objects
}

// objectCache keeps what was read last. It is emptied when it gets too large;
// honest use then fills it again with what it needs.
type objectCache struct {
	objects map[cacheKey]*Indirect
	bytes   int
	streams map[int64]*objectStream // by offset
	decoded int
}

const (
	maxCachedRaw     = 1 << 20 // parsed objects take about ten times their bytes
	maxCachedDecoded = 8 << 20
)

func (c *objectCache) put(k cacheKey, ind *Indirect) {
	size := len(ind.Raw) + 64
	if size > maxCachedRaw/4 {
		return
	}
	if c.bytes += size; c.objects == nil || c.bytes > maxCachedRaw {
		c.objects, c.bytes = make(map[cacheKey]*Indirect), size
	}
	c.objects[k] = ind
}

func (c *objectCache) putStream(off int64, s *objectStream) {
	if c.decoded += len(s.data); c.streams == nil || c.decoded > maxCachedDecoded {
		c.streams, c.decoded = make(map[int64]*objectStream), len(s.data)
	}
	c.streams[off] = s
}
