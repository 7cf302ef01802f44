package pdf

// AddAnnotation adds an annotation to a page's Annots. An array that other
// pages share is not changed: the page gets one of its own.
func (u *Update) AddAnnotation(p *Page, annot Ref) error {
	e, err := u.Edit(p.Ref)
	if err != nil {
		return err
	}
	d, err := e.Dict()
	if err != nil {
		return err
	}
	ref, indirect := d.Get("Annots").(Ref)
	if !indirect {
		return e.Append("Annots", annot)
	}
	shared, err := sharesAnnots(u, ref, p.Ref)
	if err != nil {
		return err
	}
	if !shared {
		return e.Append("Annots", annot)
	}
	old, err := ArrayAt(u, ref)
	if err != nil {
		return err
	}
	own, err := u.Add(append(append(Array{}, old...), annot))
	if err != nil {
		return err
	}
	return e.Set("Annots", own)
}

// sharesAnnots reports whether a page other than self has the array annots.
func sharesAnnots(s Source, annots, self Ref) (bool, error) {
	for p, err := range Pages(s) {
		if err != nil {
			return false, err
		}
		if ref, ok := p.Dict.Get("Annots").(Ref); ok && ref == annots && p.Ref != self {
			return true, nil
		}
	}
	return false, nil
}
