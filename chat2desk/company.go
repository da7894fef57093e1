package chat2desk

import "context"

// Company is the account.
type Company struct {
	ID                string // "" where the instance does not say
	Name              *string
	PartnerID         *string
	Mode              *string // the tariff's API mode
	CompanyMode       *string
	Language          *string
	AdminEmail        *string
	Channels          *int
	Version           *int
	RequestsThisMonth *int
	WriteFirst        *bool             // whether the account may write first
	APICalls          map[string]string // what is left of the month; the names differ by instance
}

// Company reads the account: the best check of token and quota.
func (c *Client) Company(ctx context.Context) (Company, error) {
	const op = "company info"
	a, err := c.get(ctx, op, "/v1/companies/api_info", nil, nil)
	if err != nil {
		return Company{}, err
	}
	if !a.has && a.fields != nil {
		a.data, a.has = a.fields, true // the facts beside status, without data
	}
	r, err := a.one(op, "company")
	if err != nil {
		return Company{}, err
	}
	x := Company{
		ID:                r.plain("companyID"),
		Name:              r.text("company_name"),
		PartnerID:         r.text("partnerID"),
		Mode:              r.text("mode"),
		CompanyMode:       r.text("company_mode"),
		Language:          r.text("company_lang"),
		AdminEmail:        r.text("admin_email"),
		Channels:          r.num("channels"),
		Version:           r.num("current_version"),
		RequestsThisMonth: r.num("requests_this_month"),
		WriteFirst:        r.flag("write_first_option"),
	}
	if _, isObject := r.fields.get("api_calls").(object); isObject {
		x.APICalls = r.labels("api_calls")
	}
	if x.ID == "" {
		x.ID = r.plain("company_id")
	}
	if r.err != nil {
		return Company{}, badAnswer(op, r.err.Error())
	}
	return x, nil
}
