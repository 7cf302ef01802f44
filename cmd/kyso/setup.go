package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/kyso-vn/kyso/internal/agent"
	"github.com/kyso-vn/kyso/internal/auth"
	"github.com/kyso-vn/kyso/internal/config"
	"github.com/kyso-vn/kyso/internal/routing"
	"github.com/kyso-vn/kyso/internal/unit"
)

// setupFile is what an installation begins with: units that no import has, points, accounts,
// clients, pictures. What exists already is left alone, so the file can grow and be given
// again.
type setupFile struct {
	Units    []setupUnit    `yaml:"units"`
	Policies []setupPolicy  `yaml:"policies"`
	Points   []setupPoint   `yaml:"points"`
	Accounts []setupAccount `yaml:"accounts"`
	Clients  []setupClient  `yaml:"clients"`
	Pictures []setupPicture `yaml:"pictures"`
}

type setupUnit struct {
	Code   string     `yaml:"code"`
	Name   string     `yaml:"name"`
	Level  unit.Level `yaml:"level"`
	Parent string     `yaml:"parent"` // code
	From   unit.Day   `yaml:"from"`
}

type setupPolicy struct {
	Unit          string `yaml:"unit"` // code
	NeedsApproval bool   `yaml:"needs_approval"`
	DailyQuota    int    `yaml:"daily_quota"`
}

type setupPoint struct {
	Unit    string   `yaml:"unit"` // code
	Name    string   `yaml:"name"`
	Address string   `yaml:"address"`
	Desks   []string `yaml:"desks"`
}

// setupAccount is a person with a way in. Grants are "role@unit code" or "role@*".
type setupAccount struct {
	Login        string   `yaml:"login"`
	PasswordFile string   `yaml:"password_file"`
	Name         string   `yaml:"name"`
	Identity     string   `yaml:"identity"` // CCCD:…
	Mail         string   `yaml:"mail"`
	TOTP         bool     `yaml:"totp"`
	Grants       []string `yaml:"grants"`
}

type setupClient struct {
	Name     string   `yaml:"name"`
	Callback string   `yaml:"callback"`
	Grants   []string `yaml:"grants"`
}

// setupPicture is a leader's handwritten signature or a unit's seal.
type setupPicture struct {
	Login      string  `yaml:"login"` // whose signature
	Unit       string  `yaml:"unit"`  // whose seal, and where a signature is used
	File       string  `yaml:"file"`
	DiameterMM float64 `yaml:"diameter_mm"`
}

// setup brings an installation to what the file says and prints what was made, with the
// secrets that are shown once.
func setup(ctx context.Context, e env, args []string) error {
	flags := newFlags(e, "setup")
	conf := flags.String("config", "", "configuration file")
	if err := parse(flags, args, 1); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return usageError("kyso setup [--config FILE] SETUP.yaml")
	}
	b, err := os.ReadFile(flags.Arg(0))
	if err != nil {
		return fmt.Errorf("read setup: %w", err)
	}
	var file setupFile
	if err := config.Decode(b, &file); err != nil {
		return fmt.Errorf("read setup %s: %w", flags.Arg(0), err)
	}
	a, err := openApp(ctx, e, *conf)
	if err != nil {
		return err
	}
	s := &setter{app: a, ctx: asService(ctx, "setup"), dir: filepath.Dir(flags.Arg(0)), out: json.NewEncoder(e.stdout)}
	return errors.Join(s.all(file), a.close())
}

type setter struct {
	app *app
	ctx context.Context
	dir string
	out *json.Encoder
}

func (s *setter) all(f setupFile) error {
	for _, u := range f.Units {
		if err := s.unit(u); err != nil {
			return fmt.Errorf("unit %s: %w", u.Code, err)
		}
	}
	for _, p := range f.Policies {
		u, err := s.find(p.Unit)
		if err == nil {
			err = s.app.units.SetPolicy(s.ctx, u.ID, unit.Policy{NeedsApproval: p.NeedsApproval, DailyQuota: p.DailyQuota})
		}
		if err != nil {
			return fmt.Errorf("policy of unit %s: %w", p.Unit, err)
		}
	}
	for _, p := range f.Points {
		if err := s.point(p); err != nil {
			return fmt.Errorf("point %s: %w", p.Name, err)
		}
	}
	for _, a := range f.Accounts {
		if err := s.account(a); err != nil {
			return fmt.Errorf("account %s: %w", a.Login, err)
		}
	}
	for _, c := range f.Clients {
		if err := s.client(c); err != nil {
			return fmt.Errorf("client %s: %w", c.Name, err)
		}
	}
	for _, p := range f.Pictures {
		if err := s.picture(p); err != nil {
			return fmt.Errorf("picture %s: %w", p.File, err)
		}
	}
	return nil
}

// find returns today's version of a unit by its code.
func (s *setter) find(code string) (unit.Unit, error) {
	return s.app.units.At(s.ctx, code, unit.DayOf(time.Now()))
}

func (s *setter) unit(u setupUnit) error {
	if _, err := s.find(u.Code); err == nil {
		return nil
	}
	parent := ""
	if u.Parent != "" {
		p, err := s.find(u.Parent)
		if err != nil {
			return err
		}
		parent = p.ID
	}
	made, err := s.app.units.CreateUnit(s.ctx, unit.Unit{Code: u.Code, Name: u.Name, Level: u.Level, ParentID: parent, From: u.From})
	if err != nil {
		return err
	}
	return s.out.Encode(map[string]any{"unit": made})
}

func (s *setter) point(p setupPoint) error {
	u, err := s.find(p.Unit)
	if err != nil {
		return err
	}
	points, err := s.app.units.Points(s.ctx, u.ID)
	if err != nil {
		return err
	}
	for _, old := range points {
		if old.Name == p.Name {
			return s.desks(old.ID, p.Desks)
		}
	}
	made, err := s.app.units.CreatePoint(s.ctx, unit.Point{UnitID: u.ID, Name: p.Name, Address: p.Address, From: u.From})
	if err != nil {
		return err
	}
	if err := s.desks(made.ID, p.Desks); err != nil {
		return err
	}
	return s.out.Encode(map[string]any{"point": made})
}

// desks makes those that a point lacks, also what an earlier set-up was cut off before.
func (s *setter) desks(pointID string, names []string) error {
	there, err := s.app.units.Desks(s.ctx, pointID)
	if err != nil {
		return err
	}
	for _, name := range names {
		if slices.ContainsFunc(there, func(d unit.Desk) bool { return d.Name == name }) {
			continue
		}
		if _, err := s.app.units.CreateDesk(s.ctx, unit.Desk{PointID: pointID, Name: name}); err != nil {
			return err
		}
	}
	return nil
}

func (s *setter) grants(words []string) ([]auth.Grant, error) {
	var out []auth.Grant
	for _, w := range words {
		role, code, ok := strings.Cut(w, "@")
		if !ok {
			return nil, fmt.Errorf("grant %q is not role@unit", w)
		}
		g := auth.Grant{Role: auth.Role(role), UnitID: code, From: time.Now()}
		if !auth.KnownRole(g.Role) {
			return nil, fmt.Errorf("there is no role %q", role)
		}
		if code != auth.WholeCity {
			u, err := s.find(code)
			if err != nil {
				return nil, err
			}
			g.UnitID = u.ID
		}
		out = append(out, g)
	}
	return out, nil
}

func (s *setter) account(a setupAccount) error {
	grants, err := s.grants(a.Grants)
	if err != nil {
		return err
	}
	password, err := os.ReadFile(filepath.Join(s.dir, a.PasswordFile))
	if err != nil {
		return err
	}
	id, person, err := s.app.auth.CreateAccount(s.ctx, auth.NewAccount{Login: a.Login, Password: strings.TrimSpace(string(password)), DisplayName: a.Name,
		NeedsTOTP: a.TOTP, Person: auth.Person{Identity: a.Identity, Name: a.Name, Email: a.Mail}, Grants: grants})
	made := err == nil
	if errors.Is(err, auth.ErrLoginTaken) {
		var old auth.Account
		old, err = s.app.store.AccountByLogin(s.ctx, strings.ToLower(strings.TrimSpace(a.Login)))
		id, person, a.TOTP = old.ID, old.PersonID, old.NeedsTOTP
	}
	if err != nil {
		return err
	}
	line := map[string]any{"account": a.Login, "id": id, "person_id": person}
	if a.TOTP {
		secret, err := s.secondFactor(person)
		if err != nil {
			return err
		}
		if secret != "" {
			line["totp_secret"], made = secret, true
		}
	}
	if !made {
		return nil
	}
	return s.out.Encode(line)
}

// secondFactor gives a person who has none a one-time password secret: an account whose
// set-up was cut off gets it the next time, and the one of a person's other account stays.
func (s *setter) secondFactor(person string) (secret string, err error) {
	_, err = s.app.store.TOTP(s.ctx, person)
	if !errors.Is(err, agent.ErrWrongOTP) {
		return "", err
	}
	return s.app.agent.EnrolTOTP(s.ctx, person)
}

func (s *setter) client(c setupClient) error {
	clients, err := s.app.store.ClientsNamed(s.ctx, c.Name)
	if err != nil || len(clients) > 0 {
		return err
	}
	grants, err := s.grants(c.Grants)
	if err != nil {
		return err
	}
	id, secret, key, err := s.app.auth.CreateClient(s.ctx, c.Name, c.Callback, grants)
	if err != nil {
		return err
	}
	return s.out.Encode(map[string]any{"client": c.Name, "id": id, "secret": secret, "callback_key": key})
}

func (s *setter) picture(p setupPicture) error {
	png, err := os.ReadFile(filepath.Join(s.dir, p.File))
	if err != nil {
		return err
	}
	u, err := s.find(p.Unit)
	if err != nil {
		return err
	}
	pic := routing.Picture{OwnerID: u.ID, Kind: routing.PictureSeal, PNG: png, DiameterMM: p.DiameterMM}
	if p.Login != "" {
		a, err := s.app.store.AccountByLogin(s.ctx, p.Login)
		if err != nil {
			return err
		}
		pic.OwnerID, pic.Kind = a.PersonID, routing.PictureSignature
	}
	return s.app.routing.SetPicture(s.ctx, u.ID, pic)
}
