package authing

import (
	"context"
	"encoding/json"

	"github.com/tigertally/tigertally/internal/admin"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/user"
)

// peopleOperations are what a server that manages a pool does to its people. The variants
// with custom data have the same root fields; everybody's custom data is always there.
func (p *Protocol) peopleOperations() map[string]operation {
	return map[string]operation{
		"createUser":  managed(p, mutation, p.createUser),
		"deleteUser":  managed(p, mutation, p.deleteUser),
		"deleteUsers": managed(p, mutation, p.deleteUsers),
		"findUser":    managed(p, query, p.findUser),
		"searchUser":  managed(p, query, p.searchUser),
		"userBatch":   managed(p, query, p.userBatch),
		"users":       managed(p, query, p.users),
	}
}

// null is the answer null, where nil says that there is nothing to answer.
const null = "null"

// person is u as managers see one: without a token.
func (p *Protocol) person(ctx context.Context, u user.User) (graphqlUser, error) {
	return p.graphqlUser(ctx, p.userJSON(u, ""))
}

func (p *Protocol) persons(ctx context.Context, people []user.User) ([]graphqlUser, error) {
	out := make([]graphqlUser, len(people))
	for i, u := range people {
		var err error
		if out[i], err = p.person(ctx, u); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// paging is how clients ask for one page of a list. Pages count from 1.
type paging struct {
	Page   *int   `json:"page"`
	Limit  *int   `json:"limit"`
	SortBy string `json:"sortBy"`
}

const (
	usualLimit  = 10
	newestFirst = "CREATEDAT_DESC"
)

func (r paging) bounds() (page, limit int, err error) {
	page, limit = 1, usualLimit
	if r.Page != nil {
		page = *r.Page
	}
	if r.Limit != nil {
		limit = *r.Limit
	}
	if r.SortBy != "" && r.SortBy != newestFirst {
		return 0, 0, errs.New(errs.NotImplemented)
	}
	return page, limit, nil
}

// users lists the people of the pool, newest first.
func (p *Protocol) users(ctx context.Context, m admin.Manager, in paging) (any, error) {
	n, limit, err := in.bounds()
	if err != nil {
		return nil, err
	}
	people, total, err := p.admin.List(ctx, m, n, limit)
	if err != nil {
		return nil, err
	}
	list, err := p.persons(ctx, people)
	return page[graphqlUser]{total, list}, err
}

type searchRequest struct {
	paging
	Query       string         `json:"query"`
	Fields      []string       `json:"fields"`
	Departments []memberOption `json:"departmentOpts"`
	Groups      []memberOption `json:"groupOpts"`
	Roles       []memberOption `json:"roleOpts"`
}

// memberOption asks for the members of something. Nobody is a member of anything here.
type memberOption struct{}

func (p *Protocol) searchUser(ctx context.Context, m admin.Manager, in searchRequest) (any, error) {
	n, limit, err := in.bounds()
	if err != nil {
		return nil, err
	}
	if len(in.Departments)+len(in.Groups)+len(in.Roles) > 0 {
		return emptyPage(), nil
	}
	if in.Query == "" {
		return nil, missing("query")
	}
	fields := make([]string, len(in.Fields))
	for i, f := range in.Fields {
		var known bool
		if fields[i], known = searchField(f); !known {
			return nil, errs.New(errs.BadRequest, "field", "fields")
		}
	}
	people, total, err := p.admin.Search(ctx, m, in.Query, fields, n, limit)
	if err != nil {
		return nil, err
	}
	list, err := p.persons(ctx, people)
	return page[graphqlUser]{total, list}, err
}

// searchField translates the name of a field people are searched or looked up by.
func searchField(name string) (string, bool) {
	switch name {
	case "id":
		return user.FieldID, true
	case "externalId":
		return user.FieldExternalID, true
	case "username":
		return user.FieldUsername, true
	case "phone":
		return user.FieldPhone, true
	case "email":
		return user.FieldEmail, true
	case "name":
		return user.FieldName, true
	case "nickname":
		return user.FieldNickname, true
	}
	return "", false
}

// findUser answers null for nobody, as clients expect.
func (p *Protocol) findUser(ctx context.Context, m admin.Manager, in personRequest) (any, error) {
	u, err := p.admin.Find(ctx, m, in.ref())
	if errs.CodeOf(err) == errs.UserNotFound {
		return json.RawMessage(null), nil
	}
	if err != nil {
		return nil, err
	}
	return p.person(ctx, u)
}

type batchRequest struct {
	IDs  []string `json:"ids"`
	Type string   `json:"type"` // of what stands in IDs
}

func (p *Protocol) userBatch(ctx context.Context, m admin.Manager, in batchRequest) (any, error) {
	by := user.FieldID
	if in.Type != "" {
		var known bool
		if by, known = searchField(in.Type); !known {
			return nil, errs.New(errs.BadRequest, "field", "type")
		}
	}
	people, err := p.admin.Batch(ctx, m, in.IDs, by)
	if err != nil {
		return nil, err
	}
	return p.persons(ctx, people)
}

func (p *Protocol) deleteUser(ctx context.Context, m admin.Manager, in userID) (any, error) {
	n, err := p.admin.DeleteUsers(ctx, m, []string{string(in.ID)})
	if err == nil && n == 0 {
		err = errs.New(errs.UserNotFound)
	}
	return nil, err
}

func (p *Protocol) deleteUsers(ctx context.Context, m admin.Manager, in batchRequest) (any, error) {
	_, err := p.admin.DeleteUsers(ctx, m, in.IDs)
	return nil, err
}
