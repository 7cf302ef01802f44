package issuance

import (
	"github.com/kyso-vn/kyso/internal/unit"
	"github.com/kyso-vn/kyso/pki"
	"github.com/kyso-vn/kyso/pki/profile"
)

// subject builds the distinguished name of a certificate in the order of its profile.
func (d *Desk) subject(f Form, u unit.Unit, p *profile.Profile) pki.Subject {
	s := pki.Subject{{Type: pki.Country, Value: "VN"}}
	add := func(t pki.AttributeType, value string) {
		if value != "" {
			s = append(s, pki.Attribute{Type: t, Value: value})
		}
	}
	switch f.Kind {
	case pki.Citizen:
		add(pki.Province, "Thành phố Hà Nội")
		add(pki.Locality, f.Locality)
		add(pki.CommonName, f.Name)
		add(pki.EmailAddress, f.Mail)
		add(pki.UserID, pki.CCCD+":"+f.Identity)
	case pki.Officer:
		add(pki.OrganizationName, d.organisation())
		add(pki.OrganizationalUnit, u.Name)
		add(pki.Title, f.Title)
		add(pki.CommonName, f.Name)
		add(pki.EmailAddress, f.Mail)
	case pki.Organisation:
		add(pki.Locality, "Hà Nội")
		add(pki.OrganizationName, f.ParentName)
		add(pki.CommonName, f.OrganisationName)
		if f.TaxNumber != "" {
			add(pki.UserID, pki.MST+":"+f.TaxNumber)
		}
	}
	return p.Arrange(profile.Normalize(s))
}

func (d *Desk) organisation() string {
	if d.Organisation != "" {
		return d.Organisation
	}
	return DefaultOrganisation
}

// fill completes a form from its unit.
func (d *Desk) fill(f *Form, u unit.Unit) {
	switch {
	case f.Kind == pki.Citizen && f.Locality == "" && u.Level == unit.Commune:
		f.Locality = u.Name
	case f.Kind == pki.Organisation:
		if f.OrganisationName == "" {
			f.OrganisationName = u.Name
		}
		if f.ParentName == "" {
			f.ParentName = d.organisation()
		}
		f.Name = f.OrganisationName
	}
}
