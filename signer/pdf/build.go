package pdf

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strconv"
)

// Build writes the changes. The cross-reference section is of the kind of the
// last one; a hybrid file gets a table.
func (u *Update) Build() (*Increment, error) {
	b := &builder{u: u, inc: &Increment{Base: u.r.size}}
	// 1. The update starts on a line of its own.
	last, err := u.r.readAt(u.r.size-1, 1)
	if err != nil {
		return nil, err
	}
	if last[0] != '\n' && last[0] != '\r' {
		b.buf = append(b.buf, '\n')
	}
	// 2. The objects, ascending.
	b.buf = slices.Grow(b.buf, u.length())
	for _, num := range u.numbers() {
		if err := b.object(u.objects[num]); err != nil {
			return nil, err
		}
	}
	b.relist()
	// 3. The cross-reference section and trailer.
	section := u.r.revisions[u.view.rev].section
	xref := b.here()
	if section.kind == XrefStream {
		err = b.xrefStream(section)
	} else {
		err = b.xrefTable(section)
	}
	if err != nil {
		return nil, err
	}
	b.buf = fmt.Appendf(b.buf, "startxref\n%d\n%%%%EOF\n", xref-u.r.base)
	// 4. The signature's ByteRange, now that the length is known.
	b.inc.Bytes = b.buf
	b.fillByteRange()
	return b.inc, nil
}

// length is about how long the update will be.
func (u *Update) length() int {
	n := 1024
	for _, p := range u.objects {
		n += len(p.raw) + len(p.data) + 64
	}
	return n
}

type builder struct {
	u       *Update
	inc     *Increment
	buf     []byte
	written []writtenObject
}

type writtenObject struct {
	ref Ref
	off int64 // as it stands in the cross-reference
}

// here returns the absolute offset of what is appended next.
func (b *builder) here() int64 { return b.inc.Base + int64(len(b.buf)) }

func (b *builder) object(p *pending) error {
	b.written = append(b.written, writtenObject{p.ref, b.here() - b.u.r.base})
	b.buf = fmt.Appendf(b.buf, "%d %d obj\n", p.ref.Num, p.ref.Gen)
	start := b.here()
	b.buf = append(b.buf, p.raw...)
	if p == b.u.sig {
		b.inc.Signature = &Placeholder{Ref: p.ref, Contents: p.contents.Shift(start), Range: p.byteRange.Shift(start)}
	}
	if p.isStream {
		data, err := b.streamData(p)
		if err != nil {
			return err
		}
		b.buf = append(b.buf, "\nstream\n"...)
		b.buf = append(b.buf, data...)
		b.buf = append(b.buf, "\nendstream"...)
	}
	b.buf = append(b.buf, "\nendobj\n"...)
	return nil
}

// relist repeats, rightly numbered, the entries of sections whose numbers are
// one too high: not every reader sees through those.
func (b *builder) relist() {
	v := b.u.view
	var off []writtenObject
	for _, s := range b.u.r.sections {
		if !s.renumbered {
			continue
		}
		for _, p := range s.entries {
			e, _ := v.Entry(p.num)
			if _, ok := b.u.objects[p.num]; !ok && p.kind() == EntryPlain && e == p.entry() {
				off = append(off, writtenObject{Ref{p.num, e.Gen}, e.Offset - b.u.r.base})
			}
		}
	}
	if len(off) > 0 {
		b.written = append(b.written, off...)
		slices.SortFunc(b.written, func(x, y writtenObject) int { return cmp.Compare(x.ref.Num, y.ref.Num) })
		b.written = slices.CompactFunc(b.written, func(x, y writtenObject) bool { return x.ref.Num == y.ref.Num })
	}
}

// streamData returns a stream's data as it will stand in the file.
func (b *builder) streamData(p *pending) ([]byte, error) {
	if p.original != nil {
		span, err := b.u.r.locate(p.original, b.u.view)
		if err != nil {
			return nil, err
		}
		if span.Len() > maxObjectSize {
			return nil, refuse(TooLarge, "stream %v is too long to be copied", p.ref)
		}
		return b.u.r.readAt(span.Start, int(span.Len()))
	}
	ind, err := b.u.Load(p.ref)
	if err != nil {
		return nil, err
	}
	return b.u.encrypted(p.ref, ind.Dict(), p.data)
}

// trailer returns the trailer dictionary of the last section with what an
// update changes, and with more; all other keys stay. A nil value deletes.
func (b *builder) trailer(s *section, size uint32, more []rawEntry) ([]byte, error) {
	set := append(more, rawEntry{"Size", strconv.AppendUint(nil, uint64(size), 10)},
		rawEntry{"Prev", strconv.AppendInt(nil, s.offset-b.u.r.base, 10)}, rawEntry{"XRefStm", nil})
	if ids, ok := s.trailer.Get("ID").(Array); ok && len(ids) == 2 {
		if first, ok := ids[0].(String); ok {
			h := sha256.New()
			h.Write([]byte(first))
			h.Write(binary.BigEndian.AppendUint64(nil, uint64(b.inc.Base)))
			h.Write(b.buf)
			id := appendHexString([]byte{'['}, []byte(first))
			id = appendHexString(id, h.Sum(nil)[:16])
			set = append(set, rawEntry{"ID", append(id, ']')})
		}
	}
	return spliceAll(s.trailerRaw, s.trailer, set), nil
}

// runs calls f for each run of consecutive object numbers.
func (b *builder) runs(f func(run []writtenObject)) {
	for i := 0; i < len(b.written); {
		j := i + 1
		for j < len(b.written) && b.written[j].ref.Num == b.written[j-1].ref.Num+1 {
			j++
		}
		f(b.written[i:j])
		i = j
	}
}

func (b *builder) xrefTable(s *section) error {
	if b.here() > 9999999999 {
		return refuse(TooLarge, "a cross-reference table has no room for offsets over ten gigabytes")
	}
	trailer, err := b.trailer(s, b.u.next, nil)
	if err != nil {
		return err
	}
	b.buf = append(b.buf, "xref\n"...)
	if len(b.written) == 0 {
		b.buf = append(b.buf, "0 0\n"...)
	}
	b.runs(func(run []writtenObject) {
		b.buf = fmt.Appendf(b.buf, "%d %d\n", run[0].ref.Num, len(run))
		for _, w := range run {
			b.buf = appendPadded(b.buf, uint64(w.off), 10)
			b.buf = appendPadded(append(b.buf, ' '), uint64(w.ref.Gen), 5)
			b.buf = append(b.buf, " n\r\n"...)
		}
	})
	b.buf = append(b.buf, "trailer\n"...)
	b.buf = append(b.buf, trailer...)
	b.buf = append(b.buf, '\n')
	return nil
}

// appendPadded appends n with leading zeros.
func appendPadded(dst []byte, n uint64, width int) []byte {
	var digits [20]byte
	for i := width - 1; i >= 0; i-- {
		digits[i] = '0' + byte(n%10)
		n /= 10
	}
	return append(dst, digits[:width]...)
}

func (b *builder) xrefStream(s *section) error {
	ref := Ref{Num: b.u.next}
	b.written = append(b.written, writtenObject{ref, b.here() - b.u.r.base})
	width := 4
	for b.here()>>(8*width) != 0 {
		width++
	}
	var index Array
	var rows []byte
	b.runs(func(run []writtenObject) {
		index = append(index, Integer(run[0].ref.Num), Integer(len(run)))
		for _, w := range run {
			rows = append(rows, 1)
			rows = append(rows, binary.BigEndian.AppendUint64(nil, uint64(w.off))[8-width:]...)
			rows = binary.BigEndian.AppendUint16(rows, w.ref.Gen)
		}
	})
	set := []rawEntry{{"Filter", nil}, {"DecodeParms", nil}}
	for _, e := range []Entry{
		{Key: "W", Value: Array{Integer(1), Integer(width), Integer(2)}},
		{Key: "Index", Value: index},
		{Key: "Length", Value: Integer(len(rows))},
	} {
		value, err := AppendObject(nil, e.Value, nil)
		if err != nil {
			return err
		}
		set = append(set, rawEntry{e.Key, value})
	}
	raw, err := b.trailer(s, b.u.next+1, set)
	if err != nil {
		return err
	}
	b.buf = fmt.Appendf(b.buf, "%d 0 obj\n", ref.Num)
	b.buf = append(b.buf, raw...)
	b.buf = append(b.buf, "\nstream\n"...)
	b.buf = append(b.buf, rows...)
	b.buf = append(b.buf, "\nendstream\nendobj\n"...)
	return nil
}

func (b *builder) fillByteRange() {
	p := b.inc.Signature
	if p == nil {
		return
	}
	p.ByteRange = [4]int64{0, p.Contents.Start, p.Contents.End, b.inc.Size() - p.Contents.End}
	text := fmt.Appendf(nil, "[0 %d %d %d", p.ByteRange[1], p.ByteRange[2], p.ByteRange[3])
	room := b.inc.Bytes[p.Range.Start-b.inc.Base : p.Range.End-b.inc.Base-1]
	copy(room, text)
	for i := len(text); i < len(room); i++ {
		room[i] = ' '
	}
}
