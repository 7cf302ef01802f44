package stage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Application is what the API answers to one.
type Application struct {
	ID          string `json:"id"`
	Number      string `json:"number"`
	State       string `json:"state"`
	Certificate struct {
		Serial     string    `json:"serial"`
		Credential string    `json:"credential_id"`
		NotAfter   time.Time `json:"not_after"`
	} `json:"certificate"`
}

// Ward finds the ward of the story and its first service point.
func (s *Stage) Ward(ctx context.Context) (unitID, pointID string, err error) {
	v, err := s.Login(ctx, "kiemtoan")
	if err != nil {
		return "", "", err
	}
	type list struct {
		Items []struct {
			ID string `json:"id"`
		} `json:"items"`
	}
	var units, points list
	if err := v.Get(ctx, "/api/v1/units?code="+WardCode, &units); err != nil {
		return "", "", err
	}
	if len(units.Items) != 1 {
		return "", "", fmt.Errorf("%d units have the ward's code today", len(units.Items))
	}
	unitID = units.Items[0].ID
	if err := v.Get(ctx, "/api/v1/units/"+unitID+"/points", &points); err != nil {
		return "", "", err
	}
	if len(points.Items) == 0 {
		return "", "", errors.New("the ward has no service point")
	}
	return unitID, points.Items[0].ID, nil
}

// Apply submits a form as who and lets the second person approve, which issues.
func (s *Stage) Apply(ctx context.Context, who string, form map[string]any) (Application, error) {
	var app Application
	v, err := s.Login(ctx, who)
	if err != nil {
		return app, err
	}
	if err := v.Post(ctx, "/api/v1/applications", form, &app); err != nil {
		return app, err
	}
	second, err := s.Login(ctx, "duyet")
	if err != nil {
		return app, err
	}
	return app, second.Post(ctx, "/api/v1/applications/"+app.ID+"/approve", map[string]any{}, &app)
}

// Officer gives an account of the stage an officer's certificate in unitID, activated under
// its PIN.
func (s *Stage) Officer(ctx context.Context, login, unitID string) error {
	a := s.State.Accounts[login]
	number := strings.TrimPrefix(a.Identity, "CCCD:")
	century, sex := 1900, "nam"
	if (number[3]-'0')%2 == 1 {
		sex = "nu"
	}
	if number[3] >= '2' {
		century = 2000
	}
	app, err := s.Apply(ctx, "quantri.phuong", map[string]any{"kind": "officer", "unit_id": unitID, "identity": number, "name": a.Name,
		"birth_date": fmt.Sprintf("%d%s-05-20", century/100, number[4:6]), "sex": sex, "title": "Phó Chủ tịch", "mail": login + "@hanoi.example", "phone": "0987654321",
		"proof": map[string]any{"method": "card"}, "contract": map[string]any{"signed": true, "number": "HĐ-" + login},
		"consent": map[string]any{"given": true, "text": "03/2026"}})
	if err != nil {
		return err
	}
	if err := s.Activate(ctx, app, a.PIN); err != nil {
		return err
	}
	a = s.State.Accounts[login] // with the one-time passwords used meanwhile
	a.Credential = app.Certificate.Credential
	s.State.Accounts[login] = a
	return s.State.Save(s.Dir)
}

// Activate is what the owner does at home: the code from the message, a PIN of one's own.
func (s *Stage) Activate(ctx context.Context, app Application, pin string) error {
	code, err := s.message(ctx, app.ID)
	if err != nil {
		return err
	}
	return s.Anyone().Post(ctx, "/api/v1/applications/"+app.ID+"/activate", map[string]any{"code": code, "pin": pin, "accept": true}, nil)
}

// message waits for the notice that the gateway would send.
func (s *Stage) message(ctx context.Context, applicationID string) (string, error) {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		files, err := filepath.Glob(s.Path("outbox", "*.json"))
		if err != nil {
			return "", err
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				return "", err
			}
			var m struct {
				Body struct {
					Application string `json:"application_id"`
					Code        string `json:"code"`
				} `json:"body"`
			}
			if err := json.Unmarshal(b, &m); err != nil {
				return "", fmt.Errorf("read notice: %w", err)
			}
			if m.Body.Application == applicationID {
				return m.Body.Code, os.Remove(f)
			}
		}
	}
	return "", errors.New("no activation code came")
}
