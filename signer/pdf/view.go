package pdf

import (
	"cmp"
	"iter"
	"slices"
)

// Source is a state of a document: a View of a revision, or an Update that is
// being made. The functions of this package that walk a document take one.
type Source interface {
	// Load returns the indirect object; one that doesn't exist is Missing.
	// The result must not be changed.
	Load(ref Ref) (*Indirect, error)
	// Resolve follows references until there is a direct object.
	Resolve(o Object) (Object, error)
	// Trailer returns the trailer dictionary of the newest section.
	Trailer() *Dict
	// StreamData returns a stream's decoded data, at most limit bytes: more
	// is refused as a Bomb.
	StreamData(st *Stream, limit int64) ([]byte, error)
}

// resolver is the part of Source that reading a stream needs.
type resolver interface {
	Resolve(o Object) (Object, error)
}

// directOnly is the resolver for places where no reference may stand.
type directOnly struct{}

func (directOnly) Resolve(o Object) (Object, error) {
	if ref, ok := o.(Ref); ok {
		return nil, refuse(Damaged, "reference %v where only a direct object can stand", ref)
	}
	return o, nil
}

// View is the document as it was at one revision.
type View struct {
	r     *Reader
	top   int // index of the newest section that counts
	rev   int
	depth int // of Loads inside Loads
	// merged is made when there are many sections.
	merged []packed
}

// Last returns the document as it is now.
func (r *Reader) Last() *View { return r.At(len(r.revisions) - 1) }

// At returns the document at revision n, 0 being the first. It panics when
// there is no such revision.
func (r *Reader) At(n int) *View {
	return &View{r: r, top: r.revisions[n].top, rev: n}
}

// Reader returns the file that v is a view of.
func (v *View) Reader() *Reader { return v.r }

// Revision returns which revision v shows.
func (v *View) Revision() int { return v.rev }

// Trailer returns the trailer dictionary of the revision.
func (v *View) Trailer() *Dict { return v.r.revisions[v.rev].section.trailer }

// Entry returns the cross-reference entry of an object number; false when no
// section has one.
func (v *View) Entry(num uint32) (XrefEntry, bool) {
	if v.merged == nil && v.top >= mergeAt {
		v.merged = v.merge()
	}
	if v.merged != nil {
		p, ok := lookupEntry(v.merged, num)
		return p.entry(), ok
	}
	for i := v.top; i >= 0; i-- {
		if p, ok := lookupEntry(v.r.sections[i].entries, num); ok {
			return p.entry(), true
		}
	}
	return XrefEntry{}, false
}

// mergeAt is from how many sections on a table of all of them pays.
const mergeAt = 8

// merge returns the entries that count, by ascending number.
func (v *View) merge() []packed {
	var all []packed
	for i := v.top; i >= 0; i-- { // newest first, which a stable sort keeps
		all = append(all, v.r.sections[i].entries...)
	}
	slices.SortStableFunc(all, func(a, b packed) int { return cmp.Compare(a.num, b.num) })
	return slices.CompactFunc(all, func(a, b packed) bool { return a.num == b.num })
}

// Size returns the lowest object number above all that are used or declared:
// what the trailer's Size should be.
func (v *View) Size() uint32 {
	var size uint32 = 1
	for _, s := range v.r.sections[:v.top+1] {
		if n := len(s.entries); n > 0 {
			size = max(size, s.entries[n-1].num+1)
		}
		if n, ok := s.trailer.Int("Size"); ok && n > 0 && n <= maxObjectNumber+1 {
			size = max(size, uint32(n))
		}
	}
	return size
}

// maxObjectNumber is the limit of Annex C. A Size beyond it is not believed.
const maxObjectNumber = 8388607

// Objects yields the numbers of all objects in use, ascending.
func (v *View) Objects() iter.Seq2[uint32, XrefEntry] {
	return func(yield func(uint32, XrefEntry) bool) {
		all := v.merged
		if all == nil {
			all = v.merge()
		}
		for _, p := range all {
			if p.kind() != EntryFree && !yield(p.num, p.entry()) {
				return
			}
		}
	}
}

// Load implements Source.
func (v *View) Load(ref Ref) (*Indirect, error) {
	e, ok := v.Entry(ref.Num)
	if !ok || e.Kind == EntryFree || e.Gen != ref.Gen {
		return &Indirect{Ref: ref, Offset: -1, Start: -1, Missing: true}, nil
	}
	if v.depth++; v.depth > maxResolve {
		v.depth--
		return nil, refuse(Loop, "object %v can only be read by reading itself", ref)
	}
	defer func() { v.depth-- }()
	if e.Kind == EntryCompressed {
		return v.loadCompressed(ref, e)
	}
	return v.r.loadPlain(ref, e.Offset)
}

func (r *Reader) loadPlain(ref Ref, off int64) (*Indirect, error) {
	key := cacheKey{off, ref.Num, -1}
	if ind, ok := r.cache.objects[key]; ok && ind.Ref == ref {
		return ind, nil
	}
	ind, err := r.parseIndirect(off, r.crypt)
	if err != nil {
		return nil, err
	}
	if ind.Ref != ref {
		return nil, refuseAt(Damaged, off, "object %v where the cross-reference places %v", ind.Ref, ref)
	}
	r.cache.put(key, ind)
	return ind, nil
}

func (v *View) loadCompressed(ref Ref, e XrefEntry) (*Indirect, error) {
	ce, ok := v.Entry(e.Container)
	if !ok || ce.Kind != EntryPlain {
		return nil, refuse(Damaged, "object %v stands in %d, which is no object stream", ref, e.Container)
	}
	key := cacheKey{ce.Offset, ref.Num, int64(e.Index)}
	if ind, ok := v.r.cache.objects[key]; ok {
		return ind, nil
	}
	container, err := v.Load(Ref{e.Container, ce.Gen})
	if err != nil {
		return nil, err
	}
	s, err := v.objectStream(container)
	if err != nil {
		return nil, err
	}
	ind, err := s.object(ref.Num, e.Index)
	if err != nil {
		return nil, err
	}
	v.r.cache.put(key, ind)
	return ind, nil
}

// Resolve implements Source.
func (v *View) Resolve(o Object) (Object, error) { return resolve(v, o) }

// resolve follows references through any Source.
func resolve(s interface{ Load(Ref) (*Indirect, error) }, o Object) (Object, error) {
	for range maxResolve {
		ref, ok := o.(Ref)
		if !ok {
			return o, nil
		}
		ind, err := s.Load(ref)
		if err != nil {
			return nil, err
		}
		o = ind.Value
	}
	return nil, refuse(Loop, "references lead to one another without end")
}

// intValue resolves o to an integer.
func (v *View) intValue(o Object) (int64, error) {
	o, err := v.Resolve(o)
	if err != nil {
		return 0, err
	}
	n, ok := o.(Integer)
	if !ok {
		return 0, refuse(Damaged, "no integer where one is required")
	}
	return int64(n), nil
}

// ObjectSpan returns the absolute place of a plain object in the file, from
// its number to behind endobj; false for objects in object streams and for
// missing ones.
func (v *View) ObjectSpan(ref Ref) (Span, bool, error) {
	ind, err := v.Load(ref)
	if err != nil || ind.Start < 0 {
		return Span{}, false, err
	}
	end, err := v.r.objectEnd(ind, v)
	if err != nil {
		return Span{}, false, err
	}
	return Span{ind.Start, end}, true, nil
}
