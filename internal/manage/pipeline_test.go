package manage_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/tigertally/tigertally/api"
	"github.com/tigertally/tigertally/internal/audit"
	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/operator"
	"github.com/tigertally/tigertally/internal/testkit"
)

const passes = "async function pipe(user, context, callback) {\n  return callback(null, user, context);\n}\n"

func function(pool, name string) api.FunctionRef {
	return api.FunctionRef{PoolRef: api.PoolRef{Pool: pool}, Pipeline: name}
}

func put(name, point, source string) api.FunctionPut {
	return api.FunctionPut{FunctionRef: function("mine", name), Point: point, Source: source}
}

// places are the names of functions with their places, as a list has them.
func places(list []api.Function) []string {
	var all []string
	for _, f := range list {
		all = append(all, strings.Repeat("·", f.Position)+f.Name)
	}
	return all
}

func TestFunctionsAreStoredOrderedAndKeptWithTheirVersions(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		me, other := tenants(t, s)
		for _, name := range []string{"one", "two", "three"} {
			_, err := m.PutFunction(ctx, me, put(name, "PRE_REGISTER", passes))
			wantCode(t, err, "")
		}
		first, err := m.PutFunction(ctx, me, put("four", "POST_REGISTER", passes))
		wantCode(t, err, "")
		if !first.Enabled || first.Version != 1 || first.Author != "operator:mine" || first.Position != 1 {
			t.Errorf("a new function: %+v", first)
		}
		_, err = m.MoveFunction(ctx, me, api.FunctionMove{FunctionRef: function("mine", "three"), Position: 1})
		wantCode(t, err, "")
		list, err := m.Functions(ctx, me, api.PoolRef{Pool: "mine"})
		wantCode(t, err, "")
		if diff := cmp.Diff([]string{"·three", "··one", "···two", "·four"}, places(list.Items)); diff != "" {
			t.Error(diff)
		}

		// What is not given stays; a change based on an older state is refused.
		about := "what it is for"
		second, err := m.PutFunction(ctx, me, api.FunctionPut{
			FunctionRef: function("mine", "four"), Guarded: api.Guarded{IfMatch: api.ETag(first)}, Description: &about, Source: passes + "// 2\n",
		})
		wantCode(t, err, "")
		if second.Version != 2 || second.Description != about || second.Point != "POST_REGISTER" || second.ID != first.ID {
			t.Errorf("the second version: %+v", second)
		}
		late := put("four", "", passes)
		late.IfMatch = api.ETag(first)
		_, err = m.PutFunction(ctx, me, late)
		wantCode(t, err, errs.EditConflict)
		history, err := m.FunctionHistory(ctx, me, function("mine", "four"))
		wantCode(t, err, "")
		if len(history.Items) != 2 || history.Items[0].Version != 2 || history.Items[1].Source != passes {
			t.Errorf("history: %+v", history.Items)
		}
		old, err := m.Function(ctx, me, api.FunctionQuery{FunctionRef: function("mine", "four"), Version: 1})
		if err != nil || old.Source != passes {
			t.Errorf("version 1: %+v, %v", old, err)
		}
		_, err = m.Function(ctx, me, api.FunctionQuery{FunctionRef: function("mine", "four"), Version: 9})
		wantCode(t, err, errs.FunctionNotFound)

		off, err := m.DisableFunction(ctx, me, function("mine", "four"))
		if err != nil || off.Enabled {
			t.Errorf("switched off: %+v, %v", off, err)
		}

		// Another tenant sees none of it, under its own pool or this one.
		_, err = m.Function(ctx, other, api.FunctionQuery{FunctionRef: function("mine", "four")})
		wantCode(t, err, errs.PoolNotFound)
		_, err = m.Function(ctx, other, api.FunctionQuery{FunctionRef: function("theirs", first.ID)})
		wantCode(t, err, errs.FunctionNotFound)
		_, err = m.FunctionHistory(ctx, other, function("theirs", first.ID))
		wantCode(t, err, errs.FunctionNotFound)
		_, err = m.RemoveFunction(ctx, other, function("theirs", first.ID))
		wantCode(t, err, errs.FunctionNotFound)

		_, err = m.RemoveFunction(ctx, me, function("mine", "four"))
		wantCode(t, err, "")
		recorded(t, s, "mine", map[string]int{audit.FunctionPut: 5, audit.FunctionMove: 1, audit.FunctionSwitch: 1, audit.FunctionRemove: 1})
	})
}

func TestAFunctionThatDoesNotCompileIsRefusedWithItsLine(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		me, _ := tenants(t, s)
		_, err := s.App.Manage().PutFunction(t.Context(), me, put("broken", "PRE_REGISTER", "async function pipe(user, context, callback) {\n  return callback(null,;\n}\n"))
		wantCode(t, err, errs.PipelineInvalid)
		if reason := errs.From(err).Params["reason"]; !strings.Contains(reason, "(line 2)") {
			t.Errorf("reason = %q does not name line 2", reason)
		}
		list, err := s.App.Manage().Functions(t.Context(), me, api.PoolRef{Pool: "mine"})
		if err != nil || len(list.Items) != 0 {
			t.Errorf("stored: %+v, %v", list.Items, err)
		}
	})
}

func TestADryRunShowsWhatAFunctionWouldDo(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		me, other := tenants(t, s)
		mine := api.PoolRef{Pool: "mine"}
		u, err := m.CreateUser(ctx, me, api.NewUser{PoolRef: mine, Username: "ada", Email: "ada@evil.com", Status: "active"})
		wantCode(t, err, "")
		const guard = `async function pipe(user, context, callback) {
  log('sees', user.username, context.request.ip);
  if (user.email && user.email.endsWith('@evil.com')) return callback(new Error('go away'));
  user.company = 'Example';
  return callback(null, user, context);
}`
		sample := json.RawMessage(`{"username": "bob", "email": "bob@good.test"}`)
		at := json.RawMessage(`{"request": {"ip": "203.0.113.7"}}`)
		in := api.DryRun{PoolRef: mine, Point: "PRE_REGISTER", Source: guard, User: sample, Context: at}
		passed, err := m.DryRun(ctx, me, in)
		wantCode(t, err, "")
		if !passed.OK || passed.Effect.User["company"] != "Example" || len(passed.Logs) != 1 || !strings.Contains(passed.Logs[0], "bob 203.0.113.7") {
			t.Errorf("a sample: %+v", passed)
		}
		in.User, in.Person = nil, u.ID
		refused, err := m.DryRun(ctx, me, in)
		wantCode(t, err, "")
		if refused.OK || refused.Refusal != "go away" || refused.Cause != "" {
			t.Errorf("a person: %+v", refused)
		}
		in.Person, in.Source = "", "function pipe(user, context, callback) {\n  nothing();\n}"
		broke, err := m.DryRun(ctx, me, in)
		wantCode(t, err, "")
		if broke.OK || !strings.Contains(broke.Cause, "nothing") {
			t.Errorf("a function that breaks: %+v", broke)
		}
		in.User = json.RawMessage(`[1]`)
		_, err = m.DryRun(ctx, me, in)
		wantCode(t, err, errs.BadRequest)

		// A person, an application and a function of another tenant are not there.
		theirs := api.DryRun{PoolRef: api.PoolRef{Pool: "theirs"}, Point: "PRE_REGISTER", Source: guard, Person: u.ID}
		_, err = m.DryRun(ctx, other, theirs)
		wantCode(t, err, errs.UserNotFound)
		theirs.Person, theirs.App = "", "mine"
		_, err = m.DryRun(ctx, other, theirs)
		wantCode(t, err, errs.AppNotFound)
		theirs.App, theirs.Pipeline = "", "guard"
		_, err = m.DryRun(ctx, other, theirs)
		wantCode(t, err, errs.FunctionNotFound)

		// Whoever may not see people is shown none through a function.
		blind := operator.Principal{Kind: operator.KindKey, ID: "k", Name: "k", Role: operator.Operator, Scopes: []operator.Scope{operator.PipelinesWrite}}
		in = api.DryRun{PoolRef: mine, Point: "PRE_REGISTER", Source: guard, Person: u.ID}
		_, err = m.DryRun(ctx, blind, in)
		wantCode(t, err, errs.PermissionDenied)
	})
}

func TestValuesOfTheEnvironmentAreNeverShown(t *testing.T) {
	testkit.Each(t, func(t *testing.T, s *testkit.Server) {
		m, ctx := s.App.Manage(), t.Context()
		me, other := tenants(t, s)
		name := api.FunctionVariableRef{PoolRef: api.PoolRef{Pool: "mine"}, Name: "KEY"}
		_, err := m.SetFunctionVariable(ctx, me, api.FunctionVariableSet{FunctionVariableRef: name, Value: "hush-hush"})
		wantCode(t, err, "")
		list, err := m.FunctionVariables(ctx, me, name.PoolRef)
		wantCode(t, err, "")
		if diff := cmp.Diff([]api.FunctionVariable{{Name: "KEY"}}, list.Items); diff != "" {
			t.Error(diff)
		}
		if none, err := m.FunctionVariables(ctx, other, api.PoolRef{Pool: "theirs"}); err != nil || len(none.Items) != 0 {
			t.Errorf("the other tenant: %+v, %v", none.Items, err)
		}
		_, err = m.SetFunctionVariable(ctx, me, api.FunctionVariableSet{FunctionVariableRef: api.FunctionVariableRef{PoolRef: name.PoolRef, Name: "a b"}, Value: "x"})
		wantCode(t, err, errs.BadRequest)
		_, err = m.RemoveFunctionVariable(ctx, me, name)
		wantCode(t, err, "")
		list, err = m.FunctionVariables(ctx, me, name.PoolRef)
		if err != nil || len(list.Items) != 0 {
			t.Errorf("after removing: %+v, %v", list.Items, err)
		}
	})
}
