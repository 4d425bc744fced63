package authing

import (
	"context"

	"github.com/tigertally/tigertally/internal/admin"
)

// emptyOperations answer for what a pool of ours has none of: no roles, groups,
// organisations, policies and resources. Making one is not supported, so an empty list is
// the truth.
func (p *Protocol) emptyOperations() map[string]operation {
	all := make(map[string]operation)
	for _, root := range []string{
		"archivedUsers", "authorizedResources", "authorizedTargets", "functions", "groups",
		"orgs", "policies", "policyAssignments", "roles",
	} {
		all[root] = managed(p, query, func(context.Context, admin.Manager, nothing) (any, error) {
			return emptyPage(), nil
		})
	}
	for _, root := range []string{"searchNodes", "userpoolTypes", "whitelist"} {
		all[root] = managed(p, query, func(context.Context, admin.Manager, nothing) (any, error) {
			return []any{}, nil
		})
	}
	return all
}

// page is one page of a list.
type page[T any] struct {
	TotalCount int64 `json:"totalCount"`
	List       []T   `json:"list"`
}

func emptyPage() page[any] { return page[any]{List: []any{}} }

// memberships are what a person belongs to and may use, none of which we have.
type memberships struct {
	Roles               page[any] `json:"roles"`
	Groups              page[any] `json:"groups"`
	Departments         page[any] `json:"departments"`
	AuthorizedResources page[any] `json:"authorizedResources"`
}

func noMemberships() memberships {
	return memberships{emptyPage(), emptyPage(), emptyPage(), emptyPage()}
}
