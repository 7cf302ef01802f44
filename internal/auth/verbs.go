package auth

import "slices"

// Verb is something a service does for somebody. Every service method checks exactly one.
type Verb string

// The verbs.
const (
	ApplicationSubmit  Verb = "application.submit"
	ApplicationRead    Verb = "application.read"
	ApplicationApprove Verb = "application.approve"
	CertificateRead    Verb = "certificate.read"
	CertificateManage  Verb = "certificate.manage" // renew, suspend, reinstate, revoke
	IdentityReveal     Verb = "identity.reveal"    // see a whole identity number; audited
	OfficerEnrol       Verb = "officer.enrol"
	SealEnrol          Verb = "seal.enrol"
	DocumentAccept     Verb = "document.accept"
	DocumentRead       Verb = "document.read"
	DocumentWithdraw   Verb = "document.withdraw"
	DocumentSign       Verb = "document.sign"
	DocumentInitial    Verb = "document.initial"
	DocumentSeal       Verb = "document.seal"
	DocumentReturn     Verb = "document.return"
	HashSign           Verb = "hash.sign"
	ReportRead         Verb = "report.read"
	PeriodClose        Verb = "period.close"
	UnitRead           Verb = "unit.read"
	UnitManage         Verb = "unit.manage"
	StaffManage        Verb = "staff.manage"
	ClientManage       Verb = "client.manage"
	AuditRead          Verb = "audit.read"
	ServiceRun         Verb = "service.run"
)

// verbs says which roles carry a verb. Nothing here gives an auditor or an operator a verb
// that changes a fact.
var verbs = map[Verb][]Role{
	ApplicationSubmit:  {RoleCounter, RoleClient},
	ApplicationRead:    {RoleCounter, RoleApprover, RoleUnitAdmin, RoleCityAdmin, RoleAuditor, RoleClient},
	ApplicationApprove: {RoleApprover},
	CertificateRead:    {RoleCounter, RoleApprover, RoleUnitAdmin, RoleCityAdmin, RoleAuditor, RoleClient},
	CertificateManage:  {RoleCounter, RoleUnitAdmin, RoleCityAdmin},
	IdentityReveal:     {RoleCounter, RoleApprover},
	OfficerEnrol:       {RoleUnitAdmin, RoleCityAdmin},
	SealEnrol:          {RoleUnitAdmin, RoleCityAdmin},
	DocumentAccept:     {RoleClient},
	DocumentRead:       {RoleClient, RoleSigner, RoleClerk, RoleAuditor},
	DocumentWithdraw:   {RoleClient},
	DocumentSign:       {RoleSigner},
	DocumentInitial:    {RoleSigner, RoleClerk},
	DocumentSeal:       {RoleClerk},
	DocumentReturn:     {RoleSigner, RoleClerk},
	HashSign:           {RoleCitizen, RoleSigner, RoleClient},
	ReportRead:         {RoleUnitAdmin, RoleCityAdmin, RoleAuditor, RoleClient},
	PeriodClose:        {RoleCityAdmin},
	UnitRead:           {RoleCounter, RoleApprover, RoleUnitAdmin, RoleCityAdmin, RoleAuditor, RoleClient, RoleSigner, RoleClerk},
	UnitManage:         {RoleCityAdmin},
	StaffManage:        {RoleUnitAdmin, RoleCityAdmin},
	ClientManage:       {RoleCityAdmin},
	AuditRead:          {RoleAuditor, RoleCityAdmin},
	ServiceRun:         {RoleOperator},
}

// cityRoles are given by the city only, also in one unit: a unit's administrator must not
// become the city's there.
var cityRoles = []Role{RoleCityAdmin, RoleAuditor, RoleOperator, RoleClient}

// KnownRole reports whether r is one of the roles.
func KnownRole(r Role) bool {
	return slices.Contains([]Role{RoleCitizen, RoleSigner, RoleClerk, RoleCounter, RoleApprover, RoleUnitAdmin,
		RoleCityAdmin, RoleAuditor, RoleOperator, RoleClient}, r)
}
