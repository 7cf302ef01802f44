package pdf

import (
	"bufio"
	"io"
	"math"
)

// readXrefStream reads a cross-reference stream (ISO 32000-1, Section 7.5.8).
func (r *Reader) readXrefStream(off int64) (*section, error) {
	ind, err := r.parseIndirect(off, nil)
	if err != nil {
		return nil, &Error{Reason: XrefMissing, Detail: "no cross-reference section", Offset: off, Err: err}
	}
	st, ok := ind.Value.(*Stream)
	if !ok || st.Name("Type") != "XRef" {
		return nil, refuseAt(XrefMissing, off, "object %v is not a cross-reference stream", ind.Ref)
	}
	st.noCrypt = true
	r.xrefStreams[ind.Start] = true
	s := &section{
		offset: ind.Start, kind: XrefStream, ref: ind.Ref,
		trailer: st.Dict, trailerRaw: ind.Raw, trailerOff: ind.Offset,
	}
	widths, err := xrefWidths(st.Dict, off)
	if err != nil {
		return nil, err
	}
	index, err := xrefIndex(st.Dict, off)
	if err != nil {
		return nil, err
	}
	// Length, filters and their parameters must be direct here: without the
	// table no reference can be followed.
	data, err := r.openStream(st, directOnly{})
	if err != nil {
		return nil, err
	}
	if err := r.readXrefRows(bufio.NewReader(data), s, widths, index); err != nil {
		return nil, err
	}
	if s.end, err = r.objectEnd(ind, directOnly{}); err != nil {
		return nil, err
	}
	return s, s.seal()
}

func (r *Reader) readXrefRows(br *bufio.Reader, s *section, w [3]int, index [][2]int64) error {
	row := make([]byte, w[0]+w[1]+w[2])
	for _, sub := range index {
		for num := sub[0]; num < sub[0]+sub[1]; num++ {
			if _, err := io.ReadFull(br, row); err != nil {
				if err == io.EOF || err == io.ErrUnexpectedEOF {
					return refuseAt(Damaged, s.offset, "cross-reference stream is shorter than its Index")
				}
				return err
			}
			kind := uint64(EntryPlain) // the default when the field is absent
			if w[0] > 0 {
				kind = bigEndian(row[:w[0]])
			}
			f2, f3 := bigEndian(row[w[0]:w[0]+w[1]]), bigEndian(row[w[0]+w[1]:])
			var e XrefEntry
			switch {
			case kind == 0:
				e = XrefEntry{Kind: EntryFree, Gen: uint16(min(f3, math.MaxUint16))}
			case kind == 1 && f2 == 0:
				e = XrefEntry{Kind: EntryFree}
			case kind == 1 && f2 < 1<<60 && f3 <= math.MaxUint16:
				e = XrefEntry{Kind: EntryPlain, Offset: int64(f2) + r.base, Gen: uint16(f3)}
			case kind == 2 && f2 <= math.MaxUint32 && f3 <= math.MaxUint32:
				e = XrefEntry{Kind: EntryCompressed, Container: uint32(f2), Index: uint32(f3)}
			case kind > 2:
				continue // "treated as a reference to the null object"
			default:
				return refuseAt(Damaged, s.offset, "cross-reference entry of object %d is out of range", num)
			}
			if err := r.addEntry(s, uint32(num), e); err != nil {
				return err
			}
		}
	}
	return nil
}

func bigEndian(b []byte) uint64 {
	var v uint64
	for _, c := range b {
		v = v<<8 | uint64(c)
	}
	return v
}

func xrefWidths(d *Dict, off int64) ([3]int, error) {
	var w [3]int
	a, ok := d.Get("W").(Array)
	if !ok || len(a) < 3 {
		return w, refuseAt(Damaged, off, "cross-reference stream without W")
	}
	for i, o := range a {
		n, ok := o.(Integer)
		if !ok || n < 0 || n > 8 || i > 2 && n != 0 {
			return w, refuseAt(Damaged, off, "cross-reference stream with odd W")
		}
		if i < 3 {
			w[i] = int(n)
		}
	}
	if w[1] == 0 {
		return w, refuseAt(Damaged, off, "cross-reference stream without offsets")
	}
	return w, nil
}

// xrefIndex returns pairs of first number and count.
func xrefIndex(d *Dict, off int64) ([][2]int64, error) {
	size, ok := d.Int("Size")
	if !ok || size < 0 || size > math.MaxUint32 {
		return nil, refuseAt(Damaged, off, "cross-reference stream without Size")
	}
	o := d.Get("Index")
	if o == nil {
		return [][2]int64{{0, size}}, nil
	}
	a, ok := o.(Array)
	if !ok || len(a)%2 != 0 {
		return nil, refuseAt(Damaged, off, "cross-reference stream with odd Index")
	}
	var index [][2]int64
	for i := 0; i < len(a); i += 2 {
		first, ok1 := a[i].(Integer)
		count, ok2 := a[i+1].(Integer)
		if !ok1 || !ok2 || first < 0 || count < 0 || first > math.MaxUint32 || count > math.MaxUint32-first {
			return nil, refuseAt(Damaged, off, "cross-reference stream with odd Index")
		}
		index = append(index, [2]int64{int64(first), int64(count)})
	}
	return index, nil
}
