// Package auth knows who acts: accounts, sessions, clients, roles, and the Actor that
// travels in the context of every request.
package auth

import (
	"context"
	"slices"
	"time"

	"github.com/kyso-vn/kyso/internal/errs"
)

// Actor is who does something: a person with an account, a system client, or the service
// itself.
type Actor struct {
	// AccountID is the account, empty for a system client and for the service.
	AccountID string
	// PersonID links accounts of one human being; two-person rules compare it.
	PersonID string
	// ClientID is the system client, empty for people.
	ClientID string
	// Name is shown on pages and written to the audit log: a login or a client's name.
	Name string
	// Grants are those in force when the request began.
	Grants []Grant
	// StepUp is when the actor last proved a second factor; zero means never.
	StepUp time.Time
	// RequestID ties log, audit and error page together.
	RequestID string
	// OpKey names the operation across resends: derived from client or account, route and
	// Idempotency-Key. Empty when the request has none. Stores hold it UNIQUE with the fact.
	OpKey string
}

// ID returns what the audit log calls the actor.
func (a Actor) ID() string {
	switch {
	case a.AccountID != "":
		return "account:" + a.AccountID
	case a.ClientID != "":
		return "client:" + a.ClientID
	}
	return "service:" + a.Name
}

// Role is what somebody may be in a unit.
type Role string

// The roles of the system. An auditor reads and never acts; an operator runs the service
// and sees no document.
const (
	RoleCitizen   Role = "citizen"
	RoleSigner    Role = "signer"
	RoleClerk     Role = "clerk" // văn thư
	RoleCounter   Role = "counter"
	RoleApprover  Role = "approver"
	RoleUnitAdmin Role = "unit_admin"
	RoleCityAdmin Role = "city_admin"
	RoleAuditor   Role = "auditor"
	RoleOperator  Role = "operator"
	RoleClient    Role = "client"
)

// WholeCity is the unit of a grant that covers every unit.
const WholeCity = "*"

// Grant gives a role in a unit for a time.
type Grant struct {
	Role   Role
	UnitID string // or WholeCity
	// From is inclusive, To exclusive; a zero To means open.
	From, To time.Time
}

// Covers reports whether g holds for unitID at t.
func (g Grant) Covers(unitID string, t time.Time) bool {
	return (g.UnitID == WholeCity || g.UnitID == unitID) && g.inForce(t)
}

func (g Grant) inForce(t time.Time) bool {
	return !t.Before(g.From) && (g.To.IsZero() || t.Before(g.To))
}

type actorKey struct{}

// WithActor returns ctx carrying a.
func WithActor(ctx context.Context, a Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom returns the actor of ctx; ok is false when nobody is logged in.
func ActorFrom(ctx context.Context) (a Actor, ok bool) {
	a, ok = ctx.Value(actorKey{}).(Actor)
	return a, ok
}

// Errors of every permission check.
var (
	ErrUnauthenticated = errs.New(errs.Unauthenticated, "unauthenticated",
		"Cần đăng nhập để tiếp tục.", "Authentication is required.")
	ErrDenied = errs.New(errs.Denied, "permission_denied",
		"Tài khoản không có quyền thực hiện thao tác này.", "The account may not do this.")
	ErrNotFound = errs.New(errs.NotFound, "not_found",
		"Không tìm thấy.", "Not found.")
)

// Require returns the actor of ctx when it may do verb to an object of unitID.
// Who may do verb in no unit at all is told ErrDenied; who may do it elsewhere only is told
// ErrNotFound, the same as for an object that does not exist.
func Require(ctx context.Context, verb Verb, unitID string) (Actor, error) {
	a, ok := ActorFrom(ctx)
	if !ok {
		return Actor{}, ErrUnauthenticated
	}
	now := clock(ctx)
	may := false
	for _, g := range a.Grants {
		if !g.inForce(now) || !slices.Contains(verbs[verb], g.Role) {
			continue
		}
		if g.Covers(unitID, now) {
			return a, nil
		}
		may = true
	}
	if may {
		return Actor{}, ErrNotFound
	}
	return Actor{}, ErrDenied
}

// Scope says in which units an actor may do a verb; All means every unit.
type Scope struct {
	All   bool
	Units []string
}

// RequireAny returns the actor and the units in which it may do verb, for lists and reports.
func RequireAny(ctx context.Context, verb Verb) (Actor, Scope, error) {
	a, ok := ActorFrom(ctx)
	if !ok {
		return Actor{}, Scope{}, ErrUnauthenticated
	}
	now := clock(ctx)
	var s Scope
	for _, g := range a.Grants {
		if !g.inForce(now) || !slices.Contains(verbs[verb], g.Role) {
			continue
		}
		if g.UnitID == WholeCity {
			s.All = true
		} else if !slices.Contains(s.Units, g.UnitID) {
			s.Units = append(s.Units, g.UnitID)
		}
	}
	if !s.All && len(s.Units) == 0 {
		return Actor{}, Scope{}, ErrDenied
	}
	return a, s, nil
}

type clockKey struct{}

// WithClock returns ctx in which grants are judged at now's time; tests use it.
func WithClock(ctx context.Context, now func() time.Time) context.Context {
	return context.WithValue(ctx, clockKey{}, now)
}

func clock(ctx context.Context) time.Time {
	if now, ok := ctx.Value(clockKey{}).(func() time.Time); ok {
		return now()
	}
	return time.Now()
}
