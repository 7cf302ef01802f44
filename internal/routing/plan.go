package routing

import (
	"context"
	"errors"
	"fmt"

	"github.com/kyso-vn/kyso/signer/appearance"
)

// The usual size of a signature's room, mm, and the usual seal.
const (
	leaderWidthMM, leaderHeightMM   = 48, 22
	initialWidthMM, initialHeightMM = 15, 8
	edgeMM                          = 15
)

// planner finds the place of every coming signature.
type planner struct {
	s    *Service
	src  Source
	file File
	doc  *Document
	used map[string]bool // names of fields that a step has taken
}

// plan fills the document's steps and plan and returns the fields to make or resize.
func (p *planner) plan(ctx context.Context, in Intake) ([]FieldPlan, error) {
	p.used = make(map[string]bool)
	var todo []FieldPlan
	for i, spec := range in.Steps {
		st := Step{N: i + 1, Kind: spec.Kind, State: StepComing, UnitID: spec.UnitID}
		if st.UnitID == "" {
			st.UnitID = in.UnitID
		}
		if i == 0 {
			st.State = StepWaiting
		}
		ps := PlannedStep{StepSpec: spec}
		if spec.Signer != "" {
			var err error
			if st.PersonID, ps.SignerName, err = p.s.o.Store.SignerByLogin(ctx, spec.Signer); err != nil {
				return nil, err
			}
		}
		if err := p.place(ctx, st, &ps); err != nil {
			return nil, err
		}
		p.used[ps.Field] = true
		p.doc.Steps = append(p.doc.Steps, st)
		p.doc.Plan.Steps = append(p.doc.Plan.Steps, ps)
		if spec.Kind == Copy { // its field is made with the signature, as high as the words are
			continue
		}
		todo = append(todo, FieldPlan{Name: ps.Field, Page: ps.Page, Rect: ps.Rect, LockAll: spec.Kind == Seal, Tooltip: spec.Kind.VI()})
	}
	if !in.sealed() {
		return todo, nil
	}
	texts, err := p.texts(ctx, in)
	return append(todo, texts...), err
}

// place decides a step's field, page and rectangle.
func (p *planner) place(ctx context.Context, st Step, ps *PlannedStep) error {
	switch st.Kind {
	case Leader:
		return p.leader(ctx, st, ps)
	case Seal:
		return p.seal(ctx, st, ps)
	case Copy:
		p.copyStamp(ps)
		return nil
	}
	return p.initial(ctx, st, ps)
}

// existing takes an empty signature field of the template, the asked one or the usual one.
func (p *planner) existing(ps *PlannedStep, usual string, n int) (bool, error) {
	name := ps.Place.Field
	if name == "" && ps.Place == (Placement{}) {
		name = usual
	}
	if name == "" || p.used[name] {
		return false, nil
	}
	f, ok := p.file.field(name)
	if !ok {
		if ps.Place.Field != "" && ps.Place.Anchor == "" && !ps.Place.hasRect() {
			return false, ErrPlace.Format(n)
		}
		return false, nil
	}
	if !f.Signature || f.Filled || f.Page < 1 || f.Page > len(p.file.Pages) {
		return false, ErrPlace.Format(n)
	}
	ps.Field, ps.Page, ps.Rect, ps.PageInfo = name, f.Page, f.Rect, p.file.Pages[f.Page-1]
	return true, nil
}

// name gives a field to be made its name.
func (p *planner) name(ps *PlannedStep, usual string) string {
	base := usual
	if ps.Place.Field != "" {
		base = ps.Place.Field
	}
	name := base
	for i := 2; ; i++ {
		if _, taken := p.file.field(name); !taken && !p.used[name] {
			return name
		}
		name = fmt.Sprintf("%s_%d", base, i)
	}
}

// rect carries a placement in mm from the top left corner to user space.
func (p *planner) rect(pl Placement, n int) (int, appearance.Page, appearance.Rect, error) {
	page := pl.Page
	if page == -1 {
		page = len(p.file.Pages)
	}
	if page < 1 || page > len(p.file.Pages) {
		return 0, appearance.Page{}, appearance.Rect{}, ErrPlace.Format(n)
	}
	info := p.file.Pages[page-1]
	_, height := info.View()
	x, y := info.MM(pl.XMM), height-info.MM(pl.YMM+pl.HeightMM)
	at, err := info.Place(appearance.Rect{x, y, x + info.MM(pl.WidthMM), y + info.MM(pl.HeightMM)})
	if err != nil {
		return 0, appearance.Page{}, appearance.Rect{}, ErrPlace.Format(n).Wrap(err)
	}
	return page, info, at.Rect, nil
}

// leader: the template's field, the room between post and name, or the rectangle given.
func (p *planner) leader(ctx context.Context, st Step, ps *PlannedStep) error {
	found, err := p.existing(ps, FieldLeader, st.N)
	if err != nil {
		return err
	}
	if !found {
		if err := p.room(ctx, st, ps); err != nil {
			return err
		}
	}
	ps.Picture = p.pictureIn(ctx, st.PersonID, PictureSignature, ps)
	return nil
}

// room finds the place of a signature that has no field.
func (p *planner) room(ctx context.Context, st Step, ps *PlannedStep) error {
	ps.Field = p.name(ps, FieldLeader)
	if ps.Place.hasRect() {
		var err error
		ps.Page, ps.PageInfo, ps.Rect, err = p.rect(ps.Place, st.N)
		return err
	}
	post, name := ps.Place.Anchor, ps.Name
	if post == "" {
		post = ps.Post
	}
	if name == "" {
		name = ps.SignerName
	}
	ps.Page = len(p.file.Pages)
	ps.PageInfo = p.file.Pages[ps.Page-1]
	room, err := p.s.o.Engine.Room(ctx, p.src, ps.Page, post, name)
	if err != nil {
		return ErrPlace.Format(st.N).Wrap(err)
	}
	ps.Rect = room
	return nil
}

// pictureIn is where the picture of owner will be drawn in the field: as large as it fits,
// centred; the whole field while there is no picture yet.
func (p *planner) pictureIn(ctx context.Context, owner, kind string, ps *PlannedStep) appearance.Rect {
	if owner == "" {
		return ps.Rect
	}
	pic, err := p.s.o.Store.Picture(ctx, owner, kind)
	if err != nil {
		return ps.Rect
	}
	img, err := appearance.NewImage("Im0", pic.PNG, appearance.Plain)
	if err != nil {
		return ps.Rect
	}
	return pictureRect(ps.PageInfo, ps.Rect, img)
}

// pictureRect is where img is drawn in a field, both in user space.
func pictureRect(page appearance.Page, field appearance.Rect, img appearance.Image) appearance.Rect {
	return page.ToUser(appearance.PictureRect(page.ToView(field), img.Width, img.Height))
}

// seal: in real size, over the left third of the leader's picture, whatever the template's
// field was like.
func (p *planner) seal(ctx context.Context, st Step, ps *PlannedStep) error {
	d := ps.SealDiameterMM
	pic, err := p.s.o.Store.Picture(ctx, st.UnitID, PictureSeal)
	switch {
	case err == nil:
		d = pic.DiameterMM
	case !errors.Is(err, ErrPicture):
		return err
	}
	if d <= 0 {
		return ErrSealSize
	}
	ps.SealDiameterMM = d
	found, err := p.existing(ps, FieldSeal, st.N)
	if err != nil {
		return err
	}
	if !found {
		ps.Field = p.name(ps, FieldSeal)
	}
	i := p.leaderStep()
	if i < 0 { // a copy: at the place given
		pl := ps.Place
		pl.WidthMM, pl.HeightMM = d, d
		if !pl.hasRect() {
			return ErrPlace.Format(st.N)
		}
		ps.Page, ps.PageInfo, ps.Rect, err = p.rect(pl, st.N)
		return err
	}
	over := p.doc.Plan.Steps[i]
	if found && ps.Page != over.Page { // a field stays on its page
		ps.Field = p.name(ps, FieldSeal)
	}
	at, err := over.PageInfo.SealPlace(over.Picture, d)
	if err != nil {
		return ErrSealSize.Wrap(err)
	}
	ps.Page, ps.PageInfo, ps.Rect = over.Page, over.PageInfo, at.Rect
	return nil
}

func (p *planner) leaderStep() int {
	for i, st := range p.doc.Plan.Steps {
		if st.Kind == Leader {
			return i
		}
	}
	return -1
}

// initial: where the document system says, else in the lower right corner of the last page.
func (p *planner) initial(ctx context.Context, st Step, ps *PlannedStep) error {
	found, err := p.existing(ps, "", st.N)
	if err != nil {
		return err
	}
	if !found {
		ps.Field = p.name(ps, "ky_nhay")
		pl := ps.Place
		if !pl.hasRect() {
			info := p.file.Pages[len(p.file.Pages)-1]
			w, h := info.View()
			pl = Placement{Page: -1, WidthMM: initialWidthMM, HeightMM: initialHeightMM,
				XMM: w/info.MM(1) - edgeMM - initialWidthMM, YMM: h/info.MM(1) - edgeMM - initialHeightMM*float64(st.N)}
		}
		if ps.Page, ps.PageInfo, ps.Rect, err = p.rect(pl, st.N); err != nil {
			return err
		}
	}
	ps.Picture = p.pictureIn(ctx, st.PersonID, PictureInitial, ps)
	return nil
}

// copyStamp: the text at the top right corner of page 1.
func (p *planner) copyStamp(ps *PlannedStep) {
	ps.Field, ps.Page, ps.PageInfo = p.name(ps, "ban_sao"), 1, p.file.Pages[0]
	ps.Rect = ps.PageInfo.ToUser(appearance.TextStampRect(ps.PageInfo))
}
