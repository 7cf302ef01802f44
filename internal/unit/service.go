package unit

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/google/uuid"
	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/auth"
)

// Store is where units are kept. Every method is one transaction.
type Store interface {
	// InsertUnits adds what is not there yet and leaves alone what is there with the same
	// facts; ErrImportChanged when the facts differ. It returns how many rows are new.
	InsertUnits(ctx context.Context, units []Unit, successions []Succession, events ...audit.Event) (int, error)
	// InsertUnit adds one unit; ErrExists when its code begins on that day already.
	InsertUnit(ctx context.Context, u Unit, events ...audit.Event) error
	// SetUnitPolicy replaces the policy of a unit; ErrUnknown when there is none.
	SetUnitPolicy(ctx context.Context, id string, p Policy, events ...audit.Event) error
	// UnitByID returns a unit or ErrUnknown.
	UnitByID(ctx context.Context, id string) (Unit, error)
	// UnitAt returns the version of code on day, or ErrUnknown.
	UnitAt(ctx context.Context, code string, day Day) (Unit, error)
	// Units returns every version of every unit, by code and first day.
	Units(ctx context.Context) ([]Unit, error)
	// Successors and Predecessors return who followed a unit, and whom it followed.
	Successors(ctx context.Context, id string) ([]Unit, error)
	Predecessors(ctx context.Context, id string) ([]Unit, error)
	InsertPoint(ctx context.Context, p Point, events ...audit.Event) error
	InsertDesk(ctx context.Context, d Desk, events ...audit.Event) error
	// PointByID returns a point or ErrUnknownPoint.
	PointByID(ctx context.Context, id string) (Point, error)
	// Points returns the points of a unit, or all for "", by name.
	Points(ctx context.Context, unitID string) ([]Point, error)
	Desks(ctx context.Context, pointID string) ([]Desk, error)
}

// Service is the register of units.
type Service struct {
	Store Store
	// Now is the clock; nil is time.Now.
	Now func() time.Time
}

func (s *Service) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

func (s *Service) event(a auth.Actor, action, object, unitID string) audit.Event {
	return audit.Event{At: s.now(), Actor: a.ID(), ActorName: a.Name, RequestID: a.RequestID,
		Action: action, Object: object, UnitID: unitID, Outcome: audit.OutcomeDone}
}

// Get returns the unit with this id.
func (s *Service) Get(ctx context.Context, id string) (Unit, error) {
	if _, _, err := auth.RequireAny(ctx, auth.UnitRead); err != nil {
		return Unit{}, err
	}
	return s.Store.UnitByID(ctx, id)
}

// At returns the version of code on day; "" is today.
func (s *Service) At(ctx context.Context, code string, day Day) (Unit, error) {
	if _, _, err := auth.RequireAny(ctx, auth.UnitRead); err != nil {
		return Unit{}, err
	}
	if day == "" {
		day = DayOf(s.now())
	}
	return s.Store.UnitAt(ctx, code, day)
}

// Query asks for units. The zero value asks for all of today.
type Query struct {
	// Text is part of a name, with or without accents, or the beginning of a code.
	Text string
	// Day is the day on which the units exist; "" is today, Ever takes all versions.
	Day  Day
	Ever bool
	// Level and ParentID narrow the answer when set.
	Level    Level
	ParentID string
	// Limit bounds the answer; 0 is no bound.
	Limit int
}

// Search returns the units that q asks for, by level, code and first day. There are under a
// thousand of them, so all are read.
func (s *Service) Search(ctx context.Context, q Query) ([]Unit, error) {
	if _, _, err := auth.RequireAny(ctx, auth.UnitRead); err != nil {
		return nil, err
	}
	all, err := s.Store.Units(ctx)
	if err != nil {
		return nil, err
	}
	if q.Day == "" {
		q.Day = DayOf(s.now())
	}
	text := Fold(q.Text)
	out := slices.DeleteFunc(all, func(u Unit) bool {
		return !q.Ever && !u.In(q.Day) ||
			q.Level != "" && u.Level != q.Level ||
			q.ParentID != "" && u.ParentID != q.ParentID ||
			text != "" && !strings.Contains(Fold(u.Name), text) && !strings.HasPrefix(strings.ToLower(u.Code), text)
	})
	rank := map[Level]int{City: 0, Agency: 1, District: 2, Commune: 3}
	slices.SortStableFunc(out, func(a, b Unit) int { return rank[a.Level] - rank[b.Level] })
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[:q.Limit]
	}
	return out, nil
}

// Followers returns the units that took over id, or parts of it.
func (s *Service) Followers(ctx context.Context, id string) ([]Unit, error) {
	if _, _, err := auth.RequireAny(ctx, auth.UnitRead); err != nil {
		return nil, err
	}
	return s.Store.Successors(ctx, id)
}

// CreateUnit adds a unit that is in no import, as a department. ID is drawn when empty, From
// defaults to today, Level to Agency.
func (s *Service) CreateUnit(ctx context.Context, u Unit) (Unit, error) {
	a, err := auth.Require(ctx, auth.UnitManage, auth.WholeCity)
	if err != nil {
		return Unit{}, err
	}
	if u.ID == "" {
		u.ID = uuid.NewString()
	}
	if u.From == "" {
		u.From = DayOf(s.now())
	}
	if u.Level == "" {
		u.Level = Agency
	}
	u.Name = norm.NFC.String(strings.TrimSpace(u.Name))
	if err := checkUnit(u); err != nil {
		return Unit{}, err
	}
	if err := s.Store.InsertUnit(ctx, u, s.event(a, "unit.create", "unit:"+u.ID, u.ID)); err != nil {
		return Unit{}, err
	}
	return u, nil
}

var codeForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

func checkUnit(u Unit) error {
	var bad []error
	if !codeForm.MatchString(u.Code) {
		bad = append(bad, ErrCode)
	}
	if u.Name == "" || utf8.RuneCountInString(u.Name) > 200 {
		bad = append(bad, ErrName)
	}
	if _, err := ParseDay(string(u.From)); err != nil {
		bad = append(bad, ErrDay.On("valid_from"))
	}
	if _, err := ParseDay(string(u.To)); u.To != "" && (err != nil || u.To <= u.From) {
		bad = append(bad, ErrDay.On("valid_to"))
	}
	return errors.Join(bad...)
}

// SetPolicy changes what a unit asks of its counter.
func (s *Service) SetPolicy(ctx context.Context, id string, p Policy) error {
	a, err := auth.Require(ctx, auth.UnitManage, auth.WholeCity)
	if err != nil {
		return err
	}
	return s.Store.SetUnitPolicy(ctx, id, p, s.event(a, "unit.policy", "unit:"+id, id))
}

// CreatePoint adds a service point to a unit.
func (s *Service) CreatePoint(ctx context.Context, p Point) (Point, error) {
	a, err := auth.Require(ctx, auth.UnitManage, auth.WholeCity)
	if err != nil {
		return Point{}, err
	}
	if _, err := s.Store.UnitByID(ctx, p.UnitID); err != nil {
		return Point{}, err
	}
	if p.ID == "" {
		p.ID = uuid.NewString()
	}
	if p.From == "" {
		p.From = DayOf(s.now())
	}
	p.Name = norm.NFC.String(strings.TrimSpace(p.Name))
	if p.Name == "" {
		return Point{}, ErrName
	}
	return p, s.Store.InsertPoint(ctx, p, s.event(a, "point.create", "point:"+p.ID, p.UnitID))
}

// CreateDesk adds a desk to a point.
func (s *Service) CreateDesk(ctx context.Context, d Desk) (Desk, error) {
	a, err := auth.Require(ctx, auth.UnitManage, auth.WholeCity)
	if err != nil {
		return Desk{}, err
	}
	p, err := s.Store.PointByID(ctx, d.PointID)
	if err != nil {
		return Desk{}, err
	}
	if d.ID == "" {
		d.ID = uuid.NewString()
	}
	return d, s.Store.InsertDesk(ctx, d, s.event(a, "desk.create", "desk:"+d.ID, p.UnitID))
}

// Points returns the service points of a unit, all of them for "".
func (s *Service) Points(ctx context.Context, unitID string) ([]Point, error) {
	if _, _, err := auth.RequireAny(ctx, auth.UnitRead); err != nil {
		return nil, err
	}
	return s.Store.Points(ctx, unitID)
}

// Desks returns the desks of a point.
func (s *Service) Desks(ctx context.Context, pointID string) ([]Desk, error) {
	if _, _, err := auth.RequireAny(ctx, auth.UnitRead); err != nil {
		return nil, err
	}
	return s.Store.Desks(ctx, pointID)
}
