package authing_test

import (
	"fmt"
	"net/http"
	"slices"
	"testing"
)

// Which token opens which document. Everything not listed is for managers only.
var (
	forAnybody = []string{
		"registerByEmail", "registerByUsername", "registerByPhoneCode", "loginByEmail", "loginByUsername",
		"loginByPhonePassword", "loginByPhoneCode", "loginBySubAccount", "resetPassword",
		"resetPasswordByFirstLoginToken", "sendEmail", "checkPasswordStrength", "checkLoginStatus", "isUserExists",
		"accessToken", "refreshAccessToken",
	}
	forBoth = []string{
		"user", "userWithCustomData", "getUserRoles", "getUserGroups", "getUserDepartments",
		"listUserAuthorizedResources", "updateUser", "refreshToken", "udv", "setUdv", "setUdvBatch", "removeUdv",
	}
	forPeople = []string{
		"updatePassword", "bindPhone", "unbindPhone", "updatePhone", "bindEmail", "unbindEmail", "updateEmail",
	}
	forManagers = []string{
		"createUser", "createUserWithCustomData", "deleteUser", "deleteUsers", "findUser", "findUserWithCustomData",
		"searchUser", "searchUserWithCustomData", "userBatch", "userBatchWithCustomData", "users",
		"usersWithCustomData", "archivedUsers", "udf", "setUdf", "removeUdf", "udfValueBatch", "setUdfValueBatch",
		"userpool", "userpools", "userpoolTypes", "groups", "roles", "orgs", "policies", "policyAssignments",
		"functions", "authorizedResources", "authorizedTargets", "searchNodes", "whitelist",
	}
)

// Every document of the published client is answered with status 200 and either a value
// under its root field or an error with a whole number, whoever asks (AD-03, M5).
func TestEveryDocument(t *testing.T) {
	each(t, func(w *world) {
		all := documents(t)
		if len(all) != 142 {
			w.Fatalf("%d documents", len(all))
		}
		m, p := w.manager(), w.byName("matrix")
		for name, d := range all {
			w.run(name, func(w *world) {
				vars := exampleOf(d)
				if slices.Contains(forBoth, name) {
					w.people(name, vars, p, m)
					return
				}
				w.classes(name, vars, p, m)
			})
		}
		w.run("M5 nothing happened", func(w *world) {
			w.me(p.token).has(body{"id": p.id, "nickname": nil, "username": "matrix"})
		})
	})
}

// classes asks for a document with every kind of token.
func (w *world) classes(name string, vars body, p person, m manager) {
	w.Helper()
	ask := func(token string) int {
		w.Helper()
		return w.ask(token, name, vars).code()
	}
	none, person, managing, garbage := ask(""), ask(p.token), ask(m.token), ask("garbage")
	switch {
	case slices.Contains(forAnybody, name):
		if none == 2020 && name != "refreshAccessToken" || none == 404 {
			w.Errorf("%s needs a token: %d", name, none)
		}
	case slices.Contains(forPeople, name):
		if none != 2020 || garbage != 2020 || person == 2020 || person == 1001 || managing != 1001 {
			w.Errorf("%s: none %d, garbage %d, a person %d, a manager %d", name, none, garbage, person, managing)
		}
	case slices.Contains(forManagers, name):
		if none != 2020 || garbage != 2020 || person != 1001 || managing == 2020 || managing == 1001 || managing == 404 {
			w.Errorf("%s: none %d, garbage %d, a person %d, a manager %d", name, none, garbage, person, managing)
		}
	default:
		if none != 404 || person != 404 || managing != 404 {
			w.Errorf("%s: none %d, a person %d, a manager %d", name, none, person, managing)
		}
	}
}

// people asks for a document that is about one person, who may be somebody else.
func (w *world) people(name string, vars body, p person, m manager) {
	w.Helper()
	for _, key := range []string{"id", "targetId"} {
		if _, has := vars[key]; has {
			vars[key] = p.id
		}
	}
	delete(vars, "input")
	w.ask("", name, vars).fails(2020)
	w.ask("garbage", name, vars).fails(2020)
	for _, token := range []string{p.token, m.token} {
		if code := w.ask(token, name, vars).code(); code == 1001 || code == 2020 {
			w.Errorf("%s: code %d", name, code)
		}
	}
}

// exampleOf makes variables of the declared types.
func exampleOf(d document) body {
	vars := body{}
	for name, typ := range d.Vars {
		vars[name] = example(name, typ)
	}
	return vars
}

func example(name, typ string) any {
	switch typ {
	case "String", "String!":
		if name == "password" || name == "secret" {
			return "x"
		}
		return "example"
	case "Int":
		return 1
	case "Boolean":
		return false
	case "[String!]!", "[String!]", "[String]":
		return []string{"example"}
	case "UDFTargetType!":
		return "USER"
	case "UDFDataType!":
		return "STRING"
	case "EmailScene!":
		return "VERIFY_CODE"
	case "SortByEnum":
		return nil
	}
	if typ[0] == '[' {
		return []body{}
	}
	return body{}
}

// The addresses of the management client, with every kind of token (AD-03).
func TestManagementAddresses(t *testing.T) {
	each(t, func(w *world) {
		m, p, other := w.manager(), w.byName("person"), w.byName("other")
		for _, at := range []struct {
			method, path string
			in           any
			person       int // code for a person's token
		}{
			{http.MethodPost, "/api/v2/users/batch", body{"ids": []string{other.id}}, 1001},
			{http.MethodPost, "/api/v2/users/filter", body{}, 1001},
			{http.MethodPost, "/api/v2/users/kick", body{"userIds": []string{}}, 1001},
			{http.MethodGet, "/api/v2/users/login-status?userId=" + other.id, nil, 1001},
			{http.MethodGet, "/api/v2/users/" + other.id, nil, 1001},
			{http.MethodGet, "/api/v2/users/" + other.id + "/orgs", nil, 1001},
			{http.MethodGet, "/api/v2/users/" + p.id, nil, 200},
			{http.MethodGet, "/api/v2/users/" + p.id + "/orgs", nil, 200},
			{http.MethodGet, "/api/v2/users/" + p.id + "/roles", nil, 200},
		} {
			w.run(fmt.Sprint(at.method, " ", at.path), func(w *world) {
				w.as("", at.method, at.path, at.in).want(2020)
				w.as("garbage", at.method, at.path, at.in).want(2020)
				w.as(p.token, at.method, at.path, at.in).want(at.person)
				m.on(w).rest(at.method, at.path, at.in).want(200)
			})
		}
		w.run("a management token is nobody", func(w *world) {
			w.me(m.token).want(2020)
			w.as(m.token, http.MethodPost, "/api/v2/users/refresh-token", body{}).want(2020)
		})
	})
}
