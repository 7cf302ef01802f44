package routing

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/blob"
	"github.com/kyso-vn/kyso/signer/appearance"
)

const (
	defaultLimit = 20
	maxLimit     = 100
)

// stepVerb is what a step demands of who takes it.
var stepVerb = map[StepKind]auth.Verb{
	Initial: auth.DocumentInitial, Leader: auth.DocumentSign, Seal: auth.DocumentSeal, Copy: auth.DocumentSeal,
}

// read returns a document that the actor may know of, else ErrNotFound: one of a unit in
// which it may read, or with a step there. A client knows only what it handed over.
func (s *Service) read(ctx context.Context, id string) (auth.Actor, Document, error) {
	a, _, err := auth.RequireAny(ctx, auth.DocumentRead)
	if err != nil {
		return a, Document{}, err
	}
	d, err := s.o.Store.Document(ctx, id)
	if err != nil {
		return a, Document{}, err
	}
	if a.ClientID != "" {
		if _, err := auth.Require(ctx, auth.DocumentRead, d.UnitID); err != nil || d.ClientID != a.ClientID {
			return a, Document{}, ErrNotFound
		}
		return a, d, nil
	}
	units := []string{d.UnitID}
	for _, st := range d.Steps {
		units = append(units, st.UnitID)
	}
	for _, u := range units {
		if _, err := auth.Require(ctx, auth.DocumentRead, u); err == nil {
			return a, d, nil
		}
	}
	return a, Document{}, ErrNotFound
}

// Get returns one document.
func (s *Service) Get(ctx context.Context, id string) (View, error) {
	a, d, err := s.read(ctx, id)
	if err != nil {
		return View{}, err
	}
	v := s.view(d)
	if a.AccountID != "" {
		seen, err := s.o.Store.Viewed(ctx, a.AccountID, []string{id})
		if err != nil {
			return View{}, err
		}
		v.Viewed = seen[id] == d.Revision
	}
	v.May = s.may(ctx, a, d)
	return v, nil
}

// may lists what the actor may do to d now.
func (s *Service) may(ctx context.Context, a auth.Actor, d Document) []string {
	may := []string{}
	if a.ClientID != "" {
		if d.ClientID == a.ClientID && slices.Contains(withdrawable, d.State) {
			may = append(may, "withdraw")
		}
		return may
	}
	st, ok := d.current()
	if !ok || st.State != StepWaiting || !s.turn(ctx, a, st) {
		return may
	}
	may = append(may, string(actOf(st.Kind)))
	if st.Kind != Seal && st.Kind != Copy {
		may = append(may, "refuse")
	}
	return append(may, "return")
}

// turn reports whether the actor may take a step, were it its turn.
func (s *Service) turn(ctx context.Context, a auth.Actor, st Step) bool {
	if a.PersonID == "" || (st.PersonID != "" && st.PersonID != a.PersonID) {
		return false
	}
	_, err := auth.Require(ctx, stepVerb[st.Kind], st.UnitID)
	return err == nil
}

// current returns the step whose turn it is.
func (d Document) current() (Step, bool) {
	if d.Step < 1 || d.Step > len(d.Steps) {
		return Step{}, false
	}
	return d.Steps[d.Step-1], true
}

func (s *Service) view(d Document) View {
	rev := d.newest()
	v := View{ID: d.ID, ExternalID: d.ExternalID, UnitID: d.UnitID, State: d.State, Metadata: d.Metadata, Pages: d.Pages,
		Step: d.Step, Revision: d.Revision, SHA256: hexOf(rev.SHA256), Size: rev.Size, Level: d.Level,
		TimestampPending: d.TimestampPending, Reason: d.Reason, ReasonCode: d.ReasonCode, Deadline: d.Deadline,
		Overdue:    !d.Deadline.IsZero() && s.o.Now().After(d.Deadline) && d.State == Waiting,
		AcceptedAt: d.CreatedAt, UpdatedAt: d.UpdatedAt,
		Steps: []StepView{}, Attachments: []AttachmentView{}, Revisions: []RevisionView{}}
	for i, st := range d.Steps {
		ps := d.Plan.Steps[i]
		name := ps.Name
		if name == "" {
			name = ps.SignerName
		}
		v.Steps = append(v.Steps, StepView{N: st.N, Kind: st.Kind, State: st.State, UnitID: st.UnitID, Signer: name,
			Capacity: ps.Capacity, Post: ps.Post, Page: ps.Page, Box: box(ps.PageInfo, ps.Rect), ActedAt: st.ActedAt})
	}
	for _, r := range d.Revisions {
		v.Revisions = append(v.Revisions, RevisionView{N: r.N, Kind: r.Kind, SHA256: hexOf(r.SHA256), Size: r.Size, At: r.At})
	}
	for _, at := range d.Attachments {
		v.Attachments = append(v.Attachments, AttachmentView{N: at.N, Name: at.Name, MediaType: at.MediaType,
			SameFile: at.SameFile, Size: at.newest().Size, SHA256: hexOf(at.newest().SHA256), Level: at.Level})
	}
	return v
}

// box is a rectangle as parts of the page's width and height from its top left corner.
func box(page appearance.Page, user appearance.Rect) [4]float64 {
	w, h := page.View()
	if w <= 0 || h <= 0 {
		return [4]float64{}
	}
	r := page.ToView(user)
	return [4]float64{r[0] / w, (h - r[3]) / h, r.Width() / w, r.Height() / h}
}

// Inbox returns a page of what the filter asks for, the most urgent first.
func (s *Service) Inbox(ctx context.Context, f Filter) (Page, error) {
	a, scope, err := auth.RequireAny(ctx, auth.DocumentRead)
	if err != nil {
		return Page{}, err
	}
	q, err := query(ctx, a, scope, f)
	if err != nil {
		return Page{}, err
	}
	docs, err := s.o.Store.List(ctx, q)
	if err != nil {
		return Page{}, fmt.Errorf("list documents: %w", err)
	}
	p := Page{Items: []Item{}}
	if len(docs) == q.Limit {
		docs = docs[:q.Limit-1]
		p.Next = base64.RawURLEncoding.EncodeToString([]byte(docs[len(docs)-1].SortKey))
	}
	var seen map[string]int
	if a.AccountID != "" && len(docs) > 0 {
		ids := make([]string, len(docs))
		for i, d := range docs {
			ids[i] = d.ID
		}
		if seen, err = s.o.Store.Viewed(ctx, a.AccountID, ids); err != nil {
			return Page{}, err
		}
	}
	for _, d := range docs {
		p.Items = append(p.Items, s.item(ctx, a, d, seen[d.ID] == d.Revision))
	}
	return p, nil
}

// query turns a filter into what the actor may see of it.
func query(ctx context.Context, a auth.Actor, scope auth.Scope, f Filter) (Query, error) {
	q := Query{State: f.State, Urgency: -1, Words: words(f.Text), Limit: min(max(f.Limit, 0), maxLimit)}
	if q.Limit == 0 {
		q.Limit = defaultLimit
	}
	q.Limit++ // one more tells whether there is a next page
	if f.Urgency != "" {
		if q.Urgency = f.Urgency.rank(); q.Urgency == urgencyUnknown {
			return q, ErrMetadata.Reason("độ khẩn không có trong danh mục", "the urgency is unknown").On("urgency")
		}
	}
	if f.Cursor != "" {
		after, err := base64.RawURLEncoding.DecodeString(f.Cursor)
		if err != nil {
			return q, ErrMetadata.Reason("con trỏ trang không hợp lệ", "the page cursor is not valid").On("cursor")
		}
		q.After = string(after)
	}
	for kind, verb := range stepVerb {
		if _, sc, err := auth.RequireAny(ctx, verb); err == nil {
			q.Roles = append(q.Roles, RoleScope{Kind: kind, Units: sc.Units, All: sc.All})
		}
	}
	switch b := f.Box; {
	case b == BoxTodo || (b == "" && a.PersonID != "" && len(q.Roles) > 0):
		q.Waiting, q.PersonID = true, a.PersonID
	case b == BoxDone:
		q.Done, q.PersonID = true, a.PersonID
	case b == BoxUnit || b == "":
		q.Units, q.AllUnits, q.ClientID = scope.Units, scope.All, a.ClientID
	default:
		return q, ErrMetadata.Reason("danh sách không có trong danh mục", "the list is unknown").On("box")
	}
	if (q.Waiting || q.Done) && a.PersonID == "" {
		return q, auth.ErrDenied
	}
	return q, nil
}

func (s *Service) item(ctx context.Context, a auth.Actor, d Document, viewed bool) Item {
	it := Item{ID: d.ID, State: d.State, Subject: d.Metadata.Subject, Number: printedNumber(d.Metadata), Origin: d.Metadata.Origin,
		Type: d.Metadata.Type, Urgency: d.Metadata.Urgency, UnitID: d.UnitID, Step: d.Step, Pages: d.Pages, Deadline: d.Deadline,
		Overdue: !d.Deadline.IsZero() && s.o.Now().After(d.Deadline) && d.State == Waiting, Viewed: viewed,
		UpdatedAt: d.UpdatedAt, TimestampPending: d.TimestampPending}
	if st, ok := d.current(); ok {
		it.Kind = st.Kind
		if st.State == StepWaiting && s.turn(ctx, a, st) {
			it.Act = actOf(st.Kind)
		}
	}
	return it
}

func printedNumber(m Metadata) string {
	if m.Number == "" || m.Notation == "" {
		return m.Number + m.Notation
	}
	return m.Number + "/" + m.Notation
}

// MarkViewed records that the actor has looked at the newest revision.
func (s *Service) MarkViewed(ctx context.Context, id string) error {
	a, d, err := s.read(ctx, id)
	if err != nil || a.AccountID == "" {
		return err
	}
	return s.o.Store.MarkViewed(ctx, id, a.AccountID, d.Revision, s.o.Now())
}

// Content opens a revision of a document, 0 for the newest.
func (s *Service) Content(ctx context.Context, id string, revision int) (*Content, error) {
	_, d, err := s.read(ctx, id)
	if err != nil {
		return nil, err
	}
	if revision == 0 {
		revision = d.Revision
	}
	i := slices.IndexFunc(d.Revisions, func(r Revision) bool { return r.N == revision })
	if i < 0 {
		return nil, ErrNotFound
	}
	r, err := s.open(ctx, d.Revisions[i])
	if err != nil {
		return nil, err
	}
	return &Content{ReaderAt: r, Closer: r, Size: r.Size(), SHA256: hexOf(d.Revisions[i].SHA256), Name: fileName(d),
		MediaType: "application/pdf", Revision: revision}, nil
}

// Attachment opens the nth attachment.
func (s *Service) Attachment(ctx context.Context, id string, n int) (*Content, error) {
	_, d, err := s.read(ctx, id)
	if err != nil {
		return nil, err
	}
	if n < 1 || n > len(d.Attachments) || d.Attachments[n-1].BlobID == "" {
		return nil, ErrNotFound
	}
	at := d.Attachments[n-1]
	r, err := s.open(ctx, at.newest())
	if err != nil {
		return nil, err
	}
	name := strings.Map(func(r rune) rune {
		if r < ' ' || strings.ContainsRune(`/\:*?"<>|`, r) {
			return '-'
		}
		return r
	}, at.Name)
	return &Content{ReaderAt: r, Closer: r, Size: r.Size(), SHA256: hexOf(at.newest().SHA256), Name: name, MediaType: at.MediaType}, nil
}

// newest are the signed bytes, or those that were submitted.
func (at StoredAttachment) newest() Revision {
	if at.SignedBlobID != "" {
		return Revision{BlobID: at.SignedBlobID, Size: at.SignedSize, SHA256: at.SignedSHA256}
	}
	return Revision{BlobID: at.BlobID, Size: at.Size, SHA256: at.SHA256}
}

// open opens the bytes of a revision.
func (s *Service) open(ctx context.Context, rev Revision) (*blob.Reader, error) {
	r, err := s.o.Blobs.Reader(ctx, rev.BlobID)
	if errors.Is(err, blob.ErrChanged) || errors.Is(err, blob.ErrNotFound) {
		return nil, ErrFileChanged.Wrap(err)
	}
	if err != nil {
		return nil, ErrStorage.Wrap(err)
	}
	if r.Size() != rev.Size {
		return nil, errors.Join(ErrFileChanged, r.Close())
	}
	return r, nil
}
