package pdf

import (
	"bytes"
	"math"
	"strconv"
)

// readOneSection reads the table or stream at off without following anything.
func (r *Reader) readOneSection(off int64) (*section, error) {
	head, err := r.readAt(off, 64)
	if err != nil {
		return nil, &Error{Reason: XrefMissing, Detail: "no cross-reference section", Offset: off, Err: err}
	}
	n := 0
	for n < len(head) && isSpace(head[n]) {
		n++
	}
	switch head = head[n:]; {
	case bytes.HasPrefix(head, []byte("xref")):
		return r.readTable(off + int64(n))
	case len(head) > 0 && head[0] >= '0' && head[0] <= '9':
		return r.readXrefStream(off + int64(n))
	}
	return nil, refuseAt(XrefMissing, off, "no cross-reference section")
}

// tableReader walks over a cross-reference table in chunks.
type tableReader struct {
	r   *Reader
	off int64 // absolute offset of buf[pos]
	buf []byte
	pos int
}

// fill makes at least n bytes available, fewer only at the file's end.
func (t *tableReader) fill(n int) error {
	if len(t.buf)-t.pos >= n {
		return nil
	}
	buf, err := t.r.readAt(t.off, max(n, 64<<10))
	if err != nil {
		return err
	}
	t.buf, t.pos = buf, 0
	return nil
}

func (t *tableReader) advance(n int) { t.pos += n; t.off += int64(n) }

// rest returns the bytes at hand.
func (t *tableReader) rest() []byte { return t.buf[t.pos:] }

// word returns the next run of regular characters and moves behind it.
func (t *tableReader) word() (string, error) {
	if err := t.skip(); err != nil {
		return "", err
	}
	if err := t.fill(32); err != nil {
		return "", err
	}
	b := t.rest()
	n := 0
	for n < len(b) && n < 32 && charClass[b[n]] == classRegular {
		n++
	}
	t.advance(n)
	return string(b[:n]), nil
}

// skip moves over white space.
func (t *tableReader) skip() error {
	for {
		if err := t.fill(32); err != nil {
			return err
		}
		b := t.rest()
		n := 0
		for n < len(b) && isSpace(b[n]) {
			n++
		}
		t.advance(n)
		if n < len(b) || len(b) == 0 {
			return nil
		}
	}
}

// readTable reads a cross-reference table (ISO 32000-1, Section 7.5.4) and its
// trailer.
func (r *Reader) readTable(off int64) (*section, error) {
	s := &section{offset: off, kind: XrefTable}
	t := &tableReader{r: r, off: off}
	if w, err := t.word(); err != nil || w != "xref" {
		return nil, refuseAt(XrefMissing, off, "no xref keyword")
	}
	for {
		w, err := t.word()
		if err != nil {
			return nil, err
		}
		if w == "trailer" {
			break
		}
		first, err := strconv.ParseUint(w, 10, 32)
		if err != nil {
			return nil, refuseAt(Damaged, t.off, "subsection of the cross-reference table without a first number")
		}
		if w, err = t.word(); err != nil {
			return nil, err
		}
		count, err := strconv.ParseUint(w, 10, 32)
		if err != nil || first+count > math.MaxUint32 {
			return nil, refuseAt(Damaged, t.off, "subsection of the cross-reference table without a count")
		}
		if err := r.readSubsection(t, s, first, count); err != nil {
			return nil, err
		}
	}
	if err := r.readTrailer(t.off, s); err != nil {
		return nil, err
	}
	return s, s.seal()
}

// readSubsection reads count entries. Entries are 20 bytes, but 19 with a
// single EOL byte are common and as certain.
func (r *Reader) readSubsection(t *tableReader, s *section, first, count uint64) error {
	if count > uint64(r.size-t.off)/16 {
		return refuseAt(Damaged, t.off, "cross-reference table of %d entries is longer than the file", count)
	}
	if s.entries == nil {
		s.entries = make([]packed, 0, min(count, maxEntries))
	}
	begin := len(s.entries)
	for i := range count {
		if err := t.skip(); err != nil {
			return err
		}
		if err := t.fill(18); err != nil {
			return err
		}
		e, ok := parseTableEntry(t.rest())
		if !ok {
			return refuseAt(Damaged, t.off, "malformed cross-reference entry")
		}
		t.advance(18)
		if e.Kind == EntryPlain {
			if e.Offset == 0 {
				e = XrefEntry{Kind: EntryFree} // written for objects never made
			} else {
				e.Offset += r.base
			}
		}
		if err := r.addEntry(s, uint32(first+i), e); err != nil {
			return err
		}
	}
	return r.settleNumbers(s, s.entries[begin:])
}

// settleNumbers mends a subsection whose first number is one too high: "1 5"
// where "0 5" is meant. Its first entry is then the head of the list of free
// objects, which only object 0 can be, and the objects' own headers say so.
func (r *Reader) settleNumbers(s *section, sub []packed) error {
	if len(sub) == 0 || sub[0].num != 1 {
		return nil
	}
	if head := sub[0].entry(); head.Kind != EntryFree || head.Gen != math.MaxUint16 {
		return nil
	}
	for _, p := range sub {
		if p.kind() != EntryPlain {
			continue
		}
		ref, err := r.headerAt(p.entry().Offset)
		if err != nil {
			return err
		}
		if ref.Num+1 == p.num {
			s.renumbered = true
			for i := range sub {
				sub[i].num--
			}
		}
		return nil
	}
	return nil
}

// parseTableEntry reads "nnnnnnnnnn ggggg n".
func parseTableEntry(b []byte) (XrefEntry, bool) {
	var e XrefEntry
	if len(b) < 18 || b[10] != ' ' || b[16] != ' ' {
		return e, false
	}
	var off int64
	gen := 0
	for _, c := range b[:10] {
		if c < '0' || c > '9' {
			return e, false
		}
		off = off*10 + int64(c-'0')
	}
	for _, c := range b[11:16] {
		if c < '0' || c > '9' {
			return e, false
		}
		gen = gen*10 + int(c-'0')
	}
	// MuPDF writes generation 65536 for object 0.
	if gen > math.MaxUint16 && (gen != math.MaxUint16+1 || b[17] != 'f') {
		return e, false
	}
	e.Gen = uint16(min(gen, math.MaxUint16))
	switch b[17] {
	case 'n':
		e.Kind, e.Offset = EntryPlain, off
	case 'f':
		e.Kind = EntryFree
	default:
		return e, false
	}
	return e, true
}

// readTrailer reads the trailer dictionary at or behind off.
func (r *Reader) readTrailer(off int64, s *section) error {
	o, raw, at, err := r.parseAt(off, nil)
	if err != nil {
		return err
	}
	d, ok := o.(*Dict)
	if !ok {
		return refuseAt(Damaged, off, "no dictionary behind trailer")
	}
	s.trailer, s.trailerRaw, s.trailerOff = d, raw, at
	s.end = at + int64(len(raw))
	return nil
}
