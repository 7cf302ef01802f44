package validate

import (
	"bytes"
	"errors"
	"io"

	"github.com/kyso-vn/kyso/signer/pdf"
)

// findChanged compares the content of every object that an update since mentions, and of the
// objects in object streams that an update replaced.
func (x *comparison) findChanged() error {
	x.changed, x.added = map[uint32]bool{}, map[uint32]bool{}
	r := x.old.Reader()
	mentioned := map[uint32]bool{}
	containers := false
	for n := x.old.Revision() + 1; n <= x.new.Revision(); n++ {
		for num := range r.Changed(n) {
			if !mentioned[num] {
				mentioned[num] = true
				e, ok := x.old.Entry(num)
				containers = containers || ok && e.Kind == pdf.EntryPlain
			}
		}
	}
	if containers {
		for num, e := range x.new.Objects() {
			if e.Kind == pdf.EntryCompressed && mentioned[e.Container] {
				mentioned[num] = true
			}
		}
	}
	n := 0
	for num := range mentioned {
		if n++; n%1024 == 0 {
			if err := x.c.v.ctx.Err(); err != nil {
				return err
			}
		}
		same, was, err := x.sameObject(num)
		if err != nil {
			return err
		}
		if !same {
			x.changed[num] = true
			x.added[num] = !was
		}
	}
	return nil
}

// sameObject compares an object in both revisions; was tells whether there was one.
func (x *comparison) sameObject(num uint32) (same, was bool, err error) {
	before, okBefore := x.old.Entry(num)
	after, okAfter := x.new.Entry(num)
	okBefore = okBefore && before.Kind != pdf.EntryFree
	okAfter = okAfter && after.Kind != pdf.EntryFree
	if !okBefore || !okAfter {
		return okBefore == okAfter, okBefore, nil
	}
	if generation(before) != generation(after) {
		return false, true, nil
	}
	ref := pdf.Ref{Num: num, Gen: generation(after)}
	a, err := x.old.Load(ref)
	if err != nil {
		return false, true, err
	}
	b, err := x.new.Load(ref)
	if err != nil {
		return false, true, err
	}
	if a.Offset >= 0 && a.Offset == b.Offset {
		return true, true, nil
	}
	sa, isStream := a.Value.(*pdf.Stream)
	sb, both := b.Value.(*pdf.Stream)
	if isStream != both {
		return false, true, nil
	}
	if isStream {
		same, err = x.sameStream(sa, sb)
		return same, true, err
	}
	return equal(a.Value, b.Value), true, nil
}

func generation(e pdf.XrefEntry) uint16 {
	if e.Kind == pdf.EntryPlain {
		return e.Gen
	}
	return 0
}

// equal compares two objects by content. References are equal when they are the same: what
// they lead to is compared on its own.
func equal(a, b pdf.Object) bool {
	if x, ok := pdf.Number(a); ok {
		y, ok := pdf.Number(b)
		return ok && x == y
	}
	switch x := a.(type) {
	case pdf.Array:
		y, ok := b.(pdf.Array)
		if !ok || len(x) != len(y) {
			return false
		}
		for i := range x {
			if !equal(x[i], y[i]) {
				return false
			}
		}
		return true
	case *pdf.Dict:
		y, ok := b.(*pdf.Dict)
		return ok && equalDict(x, y)
	case *pdf.Stream:
		return a == b
	}
	switch b.(type) {
	case pdf.Array, *pdf.Dict, *pdf.Stream:
		return false
	}
	return a == b
}

// equalDict compares dictionaries but for some keys. A key that stands twice makes readers
// differ, so such dictionaries are equal to nothing. Null is the same as absent.
func equalDict(a, b *pdf.Dict, but ...pdf.Name) bool {
	if len(a.Duplicates()) > 0 || len(b.Duplicates()) > 0 {
		return false
	}
	for _, key := range keysOf(a, b) {
		if !contains(but, key) && !equal(a.Get(key), b.Get(key)) {
			return false
		}
	}
	return true
}

func contains(list []pdf.Name, n pdf.Name) bool {
	for _, m := range list {
		if m == n {
			return true
		}
	}
	return false
}

// keysOf are the keys of two dictionaries, either of which may be nil, each once.
func keysOf(a, b *pdf.Dict) []pdf.Name {
	var keys []pdf.Name
	if a != nil {
		for _, e := range a.Entries {
			keys = append(keys, e.Key)
		}
	}
	if b != nil {
		for _, e := range b.Entries {
			if a == nil || a.Entry(e.Key) == nil {
				keys = append(keys, e.Key)
			}
		}
	}
	return keys
}

// sameStream compares data as it stands in the file or, when only its encoding differs,
// decoded.
func (x *comparison) sameStream(a, b *pdf.Stream) (bool, error) {
	if equalDict(a.Dict, b.Dict, "Length") && !x.old.Reader().Encrypted() {
		same, err := x.sameRaw(a, b)
		if same || err != nil {
			return same, err
		}
	}
	if !equalDict(a.Dict, b.Dict, "Length", "Filter", "DecodeParms") {
		return false, nil
	}
	ra, err := x.old.OpenStream(a)
	if err != nil {
		return false, nil //nolint:nilerr // a filter that we can't decode: what differs in bytes differs
	}
	rb, err := x.new.OpenStream(b)
	if err != nil {
		return false, nil //nolint:nilerr // as above
	}
	return sameData(ra, rb), nil
}

func (x *comparison) sameRaw(a, b *pdf.Stream) (bool, error) {
	sa, ok, err := x.old.RawStream(a)
	if err != nil || !ok {
		return false, err
	}
	sb, ok, err := x.new.RawStream(b)
	if err != nil || !ok || sa.Len() != sb.Len() {
		return false, err
	}
	src := x.c.v.src
	return sameData(io.NewSectionReader(src, sa.Start, sa.Len()), io.NewSectionReader(src, sb.Start, sb.Len())), nil
}

// maxCompared bytes of decoded data are compared; longer streams differ.
const maxCompared = 256 << 20

// sameData compares two readers to their ends.
func sameData(a, b io.Reader) bool {
	bufA, bufB := make([]byte, 16<<10), make([]byte, 16<<10)
	for total := 0; total < maxCompared; {
		n, errA := io.ReadFull(a, bufA)
		m, errB := io.ReadFull(b, bufB)
		if !bytes.Equal(bufA[:n], bufB[:m]) {
			return false
		}
		total += n
		if errA != nil || errB != nil {
			return ended(errA) && ended(errB)
		}
	}
	return false
}

func ended(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) }
