package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/audit"
	"github.com/kyso-vn/kyso/internal/errs"
)

// Limits of sessions, logins and tokens (SECURITY.md, "Who may do what").
const (
	SessionIdle    = 15 * time.Minute
	SessionMax     = 8 * time.Hour
	StepUpValid    = 5 * time.Minute
	LoginTries     = 5
	LoginLock      = 5 * time.Minute
	ClientTokenTTL = 10 * time.Minute
)

// Refusals of logging in. Nothing tells an unknown login from a wrong password.
var (
	ErrLogin = errs.New(errs.Unauthenticated, "login_failed",
		"Tên đăng nhập hoặc mật khẩu không đúng.", "The login or the password is wrong.")
	ErrLoginLocked = errs.New(errs.RateLimited, "login_locked",
		"Tài khoản tạm khóa do đăng nhập sai nhiều lần. Thử lại sau 5 phút.", "The account is locked for five minutes after too many failed logins.").After(LoginLock)
	ErrClient = errs.New(errs.Unauthenticated, "invalid_client",
		"Hệ thống không được xác thực.", "The client could not be authenticated.")
	ErrBusy = errs.New(errs.Unavailable, "busy",
		"Hệ thống đang có quá nhiều lượt đăng nhập. Thử lại sau ít giây.", "Too many logins at once. Try again in some seconds.").After(argonWait)
	ErrLoginTaken = errs.New(errs.Conflict, "login_taken",
		"Tên đăng nhập đã có.", "The login is taken.")
)

// Account is a way in for a person.
type Account struct {
	ID, Login, PersonID, DisplayName string
	PasswordHash                     string
	NeedsTOTP                        bool
	Disabled                         bool
	LockedUntil                      time.Time
}

// NewAccount is an account to be made, and the person it belongs to.
type NewAccount struct {
	Login, Password, DisplayName string
	NeedsTOTP                    bool
	Person                       Person
	Grants                       []Grant
}

// Person is who an account belongs to; people are one per identity number.
type Person struct {
	// Identity is a prefixed identity number such as "CCCD:001190012345".
	Identity    string
	Name, Email string
}

// Client is an outside system.
type Client struct {
	ID, Name, CallbackURL string
	CallbackKey           []byte
	SecretHash            []byte
	Disabled              bool
}

// Session is a login that lasts. FullyIn is false between the password and the second factor.
type Session struct {
	Account   Account
	Grants    []Grant
	FullyIn   bool
	CreatedAt time.Time
	SeenAt    time.Time
	StepUpAt  time.Time
}

// Store keeps accounts, sessions, clients and tokens. Each method is one transaction.
type Store interface {
	// InsertAccount adds an account with its grants, and its person when the identity is
	// new; ErrLoginTaken when the login exists.
	InsertAccount(ctx context.Context, id string, a NewAccount, passwordHash string, now time.Time, ev audit.Event) (personID string, err error)
	// AccountByLogin returns ErrLogin when there is none.
	AccountByLogin(ctx context.Context, login string) (Account, error)
	// CountLoginTry adds a failed try before the password is evaluated and locks the
	// account from the max-th on; when it is locked at now nothing changes and ok is false.
	CountLoginTry(ctx context.Context, accountID string, now time.Time, max int, lock time.Duration) (ok bool, err error)
	// InsertSession stores a session by the hash of its token and clears the failed tries.
	InsertSession(ctx context.Context, tokenHash []byte, accountID string, full bool, now time.Time, ev audit.Event) error
	// Session returns ErrUnauthenticated when there is none. The grants are today's.
	Session(ctx context.Context, tokenHash []byte) (Session, error)
	// TouchSession moves SeenAt.
	TouchSession(ctx context.Context, tokenHash []byte, now time.Time) error
	// ReplaceSession swaps the token for a new one that is fully in and stepped up at now.
	ReplaceSession(ctx context.Context, oldHash, newHash []byte, now time.Time, ev audit.Event) error
	// EndSession deletes the session.
	EndSession(ctx context.Context, tokenHash []byte, ev audit.Event) error

	// InsertClient adds a client with its grants.
	InsertClient(ctx context.Context, c Client, grants []Grant, now time.Time, ev audit.Event) error
	// Client returns ErrClient when there is none.
	Client(ctx context.Context, id string) (Client, error)
	// InsertToken stores an access token by its hash.
	InsertToken(ctx context.Context, tokenHash []byte, clientID string, expires time.Time) error
	// Token returns the client of a token that has not expired at now, with its grants.
	Token(ctx context.Context, tokenHash []byte, now time.Time) (Client, []Grant, error)

	// RecordAudit writes events of their own: refusals.
	RecordAudit(ctx context.Context, events ...audit.Event) error
}

// SecondFactor spends one-time passwords; the HSM agent does.
type SecondFactor interface {
	VerifyTOTP(ctx context.Context, personID, otp string) error
}

// Service logs people and systems in.
type Service struct {
	Store  Store
	Second SecondFactor
	Now    func() time.Time
}

// Login checks a password. The token is for a cookie; when the account needs a second
// factor the session can do nothing but Confirm.
func (s *Service) Login(ctx context.Context, login, password string) (token string, full bool, err error) {
	release, err := argonSlot(ctx) // before the try is counted: who can't be served loses none
	if err != nil {
		return "", false, err
	}
	defer release()
	now := s.Now()
	// What was typed as an unknown login is not recorded: it may be a password.
	ev := audit.Event{At: now, Action: "login", Object: "account:unknown", Actor: "anonymous"}
	// 1. Find the account; an unknown one costs a hash as well.
	a, err := s.Store.AccountByLogin(ctx, strings.ToLower(strings.TrimSpace(login)))
	if err != nil && !errors.Is(err, ErrLogin) {
		return "", false, err
	}
	if err == nil {
		ev.Object, ev.ActorName = "account:"+a.ID, a.Login
	}
	if err != nil || a.Disabled {
		checkPassword(decoyHash, password)
		return "", false, s.refused(ctx, ev, ErrLogin)
	}
	// 2. The try is counted before it is evaluated.
	ok, err := s.Store.CountLoginTry(ctx, a.ID, now, LoginTries, LoginLock)
	if err != nil {
		return "", false, err
	}
	if !ok {
		return "", false, s.refused(ctx, ev, ErrLoginLocked)
	}
	if !checkPassword(a.PasswordHash, password) {
		return "", false, s.refused(ctx, ev, ErrLogin)
	}
	// 3. A new session, with nothing carried over from before.
	token, hash := newToken()
	ev.Actor, ev.Outcome = "account:"+a.ID, audit.OutcomeDone
	if err := s.Store.InsertSession(ctx, hash, a.ID, !a.NeedsTOTP, now, ev); err != nil {
		return "", false, err
	}
	return token, !a.NeedsTOTP, nil
}

// Confirm spends a one-time password and returns the token of a new session that is fully
// in; the old token is dead. It serves the second step of the login and the step-up.
func (s *Service) Confirm(ctx context.Context, token, otp string) (string, error) {
	now := s.Now()
	sess, err := s.session(ctx, token, now)
	if err != nil {
		return "", err
	}
	ev := audit.Event{At: now, Actor: "account:" + sess.Account.ID, ActorName: sess.Account.Login,
		Action: "login.confirm", Object: "account:" + sess.Account.ID, Outcome: audit.OutcomeDone}
	if err := s.Second.VerifyTOTP(ctx, sess.Account.PersonID, otp); err != nil {
		return "", s.refused(ctx, ev, err)
	}
	fresh, hash := newToken()
	if err := s.Store.ReplaceSession(ctx, hashToken(token), hash, now, ev); err != nil {
		return "", err
	}
	return fresh, nil
}

// refused records that err stopped ev and returns err.
func (s *Service) refused(ctx context.Context, ev audit.Event, err error) error {
	if werr := s.Store.RecordAudit(context.WithoutCancel(ctx), ev.Refused(err)); werr != nil {
		return fmt.Errorf("record a refusal: %w", werr)
	}
	return err
}

// Actor returns who holds the session token. ErrUnauthenticated when it is unknown, ended,
// or waits for its second factor.
func (s *Service) Actor(ctx context.Context, token string) (Actor, Session, error) {
	now := s.Now()
	sess, err := s.session(ctx, token, now)
	if err != nil {
		return Actor{}, Session{}, err
	}
	if !sess.FullyIn {
		return Actor{}, sess, ErrUnauthenticated
	}
	if now.Sub(sess.SeenAt) > time.Minute {
		if err := s.Store.TouchSession(ctx, hashToken(token), now); err != nil {
			return Actor{}, Session{}, err
		}
	}
	a := sess.Account
	return Actor{AccountID: a.ID, PersonID: a.PersonID, Name: a.Login, Grants: sess.Grants, StepUp: sess.StepUpAt}, sess, nil
}

func (s *Service) session(ctx context.Context, token string, now time.Time) (Session, error) {
	if token == "" {
		return Session{}, ErrUnauthenticated
	}
	sess, err := s.Store.Session(ctx, hashToken(token))
	if err != nil {
		return Session{}, err
	}
	if sess.Account.Disabled || now.Sub(sess.SeenAt) > SessionIdle || now.Sub(sess.CreatedAt) > SessionMax {
		return Session{}, ErrUnauthenticated
	}
	return sess, nil
}

// Logout ends the session; an unknown one is no error.
func (s *Service) Logout(ctx context.Context, token string) error {
	sess, err := s.session(ctx, token, s.Now())
	if errors.Is(err, ErrUnauthenticated) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.Store.EndSession(ctx, hashToken(token), audit.Event{At: s.Now(), Actor: "account:" + sess.Account.ID,
		ActorName: sess.Account.Login, Action: "logout", Object: "account:" + sess.Account.ID, Outcome: audit.OutcomeDone})
}

// ClientToken authenticates a client by its secret (RFC 6749, Section 4.4) and returns an
// access token.
func (s *Service) ClientToken(ctx context.Context, clientID, secret string) (token string, expires time.Time, err error) {
	c, err := s.Store.Client(ctx, clientID)
	if err != nil {
		return "", time.Time{}, err
	}
	if c.Disabled || !sameHash(c.SecretHash, hashToken(secret)) {
		ev := audit.Event{At: s.Now(), Actor: "anonymous", ActorName: c.Name, Action: "client.token", Object: "client:" + c.ID}
		return "", time.Time{}, s.refused(ctx, ev, ErrClient)
	}
	token, hash := newToken()
	expires = s.Now().Add(ClientTokenTTL)
	return token, expires, s.Store.InsertToken(ctx, hash, clientID, expires)
}

// ClientActor returns who holds an access token.
func (s *Service) ClientActor(ctx context.Context, token string) (Actor, error) {
	c, grants, err := s.Store.Token(ctx, hashToken(token), s.Now())
	if err != nil {
		return Actor{}, err
	}
	if c.Disabled {
		return Actor{}, ErrUnauthenticated
	}
	return Actor{ClientID: c.ID, Name: c.Name, Grants: grants}, nil
}

// CreateAccount makes an account. The actor needs StaffManage in every unit it gives a role
// in, and in the whole city for a role that is the city's to give.
func (s *Service) CreateAccount(ctx context.Context, a NewAccount) (accountID, personID string, err error) {
	actor, err := requireAll(ctx, StaffManage, a.Grants)
	if err != nil {
		return "", "", err
	}
	if len([]rune(a.Password)) < 12 || len(a.Password) > maxPassword {
		return "", "", errs.New(errs.Invalid, "password_short", "Mật khẩu phải có từ 12 ký tự đến 1024 byte.", "A password has 12 characters or more, and 1024 bytes or fewer.").On("password")
	}
	a.Login = strings.ToLower(strings.TrimSpace(a.Login))
	id := newID()
	now := s.Now()
	ev := audit.Event{At: now, Actor: actor.ID(), ActorName: actor.Name, Action: "account.create", Object: "account:" + id, Outcome: audit.OutcomeDone,
		Detail: map[string]string{"login": a.Login, "grants": grantList(a.Grants)}}
	release, err := argonSlot(ctx)
	if err != nil {
		return "", "", err
	}
	hash, err := hashPassword(a.Password)
	release()
	if err != nil {
		return "", "", err
	}
	personID, err = s.Store.InsertAccount(ctx, id, a, hash, now, ev)
	return id, personID, err
}

// CreateClient makes a system client and returns its secret and the key of its callbacks,
// which are shown once.
func (s *Service) CreateClient(ctx context.Context, name, callbackURL string, grants []Grant) (id, secret string, callbackKey []byte, err error) {
	actor, err := requireAll(ctx, ClientManage, grants)
	if err != nil {
		return "", "", nil, err
	}
	id = newID()
	secret, hash := newToken()
	callbackKey = make([]byte, 32)
	rand.Read(callbackKey)
	now := s.Now()
	ev := audit.Event{At: now, Actor: actor.ID(), ActorName: actor.Name, Action: "client.create", Object: "client:" + id, Outcome: audit.OutcomeDone,
		Detail: map[string]string{"name": name, "grants": grantList(grants)}}
	c := Client{ID: id, Name: name, CallbackURL: callbackURL, CallbackKey: callbackKey, SecretHash: hash}
	if err := s.Store.InsertClient(ctx, c, grants, now, ev); err != nil {
		return "", "", nil, err
	}
	return id, secret, callbackKey, nil
}

func requireAll(ctx context.Context, verb Verb, grants []Grant) (Actor, error) {
	a, ok := ActorFrom(ctx)
	if !ok {
		return Actor{}, ErrUnauthenticated
	}
	if len(grants) == 0 {
		_, _, err := RequireAny(ctx, verb)
		return a, err
	}
	for _, g := range grants {
		unit := g.UnitID
		if slices.Contains(cityRoles, g.Role) {
			unit = WholeCity
		}
		if _, err := Require(ctx, verb, unit); err != nil {
			return Actor{}, fmt.Errorf("grant %s: %w", g.Role, err)
		}
	}
	return a, nil
}

func grantList(grants []Grant) string {
	var b strings.Builder
	for i, g := range grants {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(string(g.Role) + "@" + g.UnitID)
	}
	return b.String()
}

// newToken returns 256 random bits in base64url and the hash under which they are kept.
func newToken() (token string, hash []byte) {
	b := make([]byte, 32)
	rand.Read(b) // never fails since Go 1.24
	token = base64.RawURLEncoding.EncodeToString(b)
	return token, hashToken(token)
}

func hashToken(token string) []byte {
	h := sha256.Sum256([]byte(token))
	return h[:]
}
