package pdf

import (
	"cmp"
	"slices"
)

// EntryKind says what a cross-reference entry is.
type EntryKind uint8

// The kinds of entries (ISO 32000-1, Table 18).
const (
	EntryFree       EntryKind = iota // the object is not in use
	EntryPlain                       // the object stands at an offset
	EntryCompressed                  // the object stands in an object stream
)

// XrefEntry is one entry of a cross-reference section.
type XrefEntry struct {
	Kind      EntryKind
	Offset    int64  // EntryPlain: absolute
	Container uint32 // EntryCompressed: the object stream's number
	Index     uint32 // EntryCompressed: the place in the object stream
	Gen       uint16 // EntryFree: the next generation
}

// packed is an XrefEntry in 16 bytes: files have hundreds of thousands.
type packed struct {
	place uint64 // kind in the top two bits; offset or container below
	num   uint32
	aux   uint32 // generation, or index in the object stream
}

const kindShift = 62

func pack(num uint32, e XrefEntry) packed {
	p := packed{num: num, place: uint64(e.Kind) << kindShift}
	switch e.Kind {
	case EntryPlain:
		p.place |= uint64(e.Offset)
		p.aux = uint32(e.Gen)
	case EntryCompressed:
		p.place |= uint64(e.Container)
		p.aux = e.Index
	default:
		p.aux = uint32(e.Gen)
	}
	return p
}

func (p packed) kind() EntryKind { return EntryKind(p.place >> kindShift) }

func (p packed) entry() XrefEntry {
	e := XrefEntry{Kind: p.kind()}
	low := p.place & (1<<kindShift - 1)
	switch e.Kind {
	case EntryPlain:
		e.Offset, e.Gen = int64(low), uint16(p.aux)
	case EntryCompressed:
		e.Container, e.Index = uint32(low), p.aux
	default:
		e.Gen = uint16(p.aux)
	}
	return e
}

// XrefKind is the form of a cross-reference section.
type XrefKind uint8

// The forms. A hybrid section is a table whose trailer names a stream.
const (
	XrefTable XrefKind = iota
	XrefStream
	XrefHybrid
)

// section is one cross-reference section with its trailer.
type section struct {
	offset     int64 // absolute
	end        int64 // behind the trailer dictionary or the stream's endobj
	kind       XrefKind
	entries    []packed // sorted by number, each number once
	trailer    *Dict
	trailerRaw []byte // of the dictionary; spans of trailer count from it
	trailerOff int64  // absolute offset of trailerRaw
	ref        Ref    // of the cross-reference stream itself
	renumbered bool   // its numbers were one too high; see settleNumbers
}

// seal sorts the entries. A number that stands twice with different meanings
// is refused: readers differ in which they take.
func (s *section) seal() error {
	byNum := func(a, b packed) int { return cmp.Compare(a.num, b.num) }
	if !slices.IsSortedFunc(s.entries, byNum) {
		slices.SortStableFunc(s.entries, byNum)
	}
	out := s.entries[:0]
	for i, e := range s.entries {
		if i > 0 && out[len(out)-1].num == e.num {
			if out[len(out)-1] != e {
				return refuseAt(Damaged, s.offset, "object %d stands twice in one cross-reference section", e.num)
			}
			continue
		}
		out = append(out, e)
	}
	s.entries = out
	return nil
}

// lookupEntry searches entries that are sorted by number.
func lookupEntry(entries []packed, num uint32) (packed, bool) {
	i, ok := slices.BinarySearchFunc(entries, num, func(p packed, n uint32) int { return cmp.Compare(p.num, n) })
	if !ok {
		return packed{}, false
	}
	return entries[i], true
}

// mergeHybrid adds the entries of the stream that a hybrid trailer names:
// they count for objects that the table lacks or hides as free (ISO 32000-1,
// Section 7.5.8.4).
func (s *section) mergeHybrid(stream *section) error {
	table := s.entries
	merged := make([]packed, 0, len(table)+len(stream.entries))
	merged = append(merged, table...)
	for _, e := range stream.entries {
		i, ok := slices.BinarySearchFunc(table, e.num, func(p packed, n uint32) int { return cmp.Compare(p.num, n) })
		switch {
		case !ok:
			merged = append(merged, e)
		case table[i].kind() == EntryFree:
			merged[i] = e
		}
	}
	s.entries = merged
	return s.seal()
}

// openChain reads the sections from the newest to the oldest.
func (r *Reader) openChain(t tail, junk int64) error {
	var firstErr error
	bases := []int64{0}
	if junk > 0 {
		bases = []int64{junk, 0}
	}
	for _, base := range bases {
		r.base, r.sections, r.entries = base, nil, 0
		err := r.readChain(t)
		if err == nil {
			err = r.probe()
		}
		if err == nil {
			return nil
		}
		if firstErr == nil || reasonOf(firstErr) == XrefMissing {
			firstErr = err
		}
	}
	return firstErr
}

func (r *Reader) readChain(t tail) error {
	seen := make(map[int64]bool)
	s, err := r.firstSection(t)
	if err != nil {
		return err
	}
	for {
		// A Prev that leads to a section that was read already adds nothing: what is newer counts. Every section was
		// read whole by then, so that nothing is guessed.
		if seen[s.offset] {
			break
		}
		seen[s.offset] = true
		if len(seen) > maxSections {
			return refuse(TooLarge, "more than %d cross-reference sections", maxSections)
		}
		if err := r.followHybrid(s); err != nil {
			return err
		}
		r.sections = append(r.sections, s)
		prev := s.trailer.Get("Prev")
		if prev == nil {
			break
		}
		p, ok := prev.(Integer)
		if f, isReal := prev.(Real); isReal && f == Real(int64(f)) {
			p, ok = Integer(f), true
		}
		if !ok || p < 0 || int64(p) >= r.size {
			return refuseAt(Damaged, s.trailerOff, "Prev is not a place in the file")
		}
		if s, err = r.readOneSection(int64(p) + r.base); err != nil {
			if p == 0 {
				break // some writers put /Prev 0 into first sections
			}
			return err
		}
	}
	slices.Reverse(r.sections)
	return nil // an error of /Prev 0 says only that there is no older section
}

// followHybrid adds what the stream of a hybrid section says.
func (r *Reader) followHybrid(s *section) error {
	at := s.trailer.Get("XRefStm")
	if s.kind != XrefTable || at == nil {
		return nil
	}
	n, ok := at.(Integer)
	if !ok || n < 0 || int64(n) >= r.size {
		return refuseAt(Damaged, s.trailerOff, "XRefStm is not a place in the file")
	}
	stream, err := r.readOneSection(int64(n) + r.base)
	if err != nil {
		return err
	}
	if stream.kind != XrefStream {
		return refuseAt(Damaged, int64(n)+r.base, "XRefStm leads to a table")
	}
	s.kind = XrefHybrid
	return s.mergeHybrid(stream)
}

// addEntry counts an entry against the limit before it is kept.
func (r *Reader) addEntry(s *section, num uint32, e XrefEntry) error {
	if r.entries++; r.entries > maxEntries {
		return refuseAt(TooLarge, s.offset, "more than %d cross-reference entries", maxEntries)
	}
	s.entries = append(s.entries, pack(num, e))
	return nil
}
