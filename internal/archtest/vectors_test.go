package archtest

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// vectorUses says of every vector which tests hold our code to it, or, in a sentence, why
// no code of ours needs it. The simulator's verifiers and the drivers were written apart,
// and each is held to the vectors by tests of its own.
func vectorUses() map[string][]string {
	const (
		tc3, aliyunRPC, acs3 = "upsim.TestTencentAcceptsTheVectors", "upsim.TestAliyunAcceptsTheRPCVectors", "upsim.TestAliyunAcceptsTheACS3Vectors"
		tc3Driver            = "driver.TestTencentSignaturesAgreeWithTheVectors"
		acs3Driver           = "driver.TestAliyunSignaturesAgreeWithTheVectors"
		yidun, yidunDriver   = "upsim.TestYidunAcceptsTheVectors", "onetap.TestYidunSignaturesAgreeWithTheVectors"
		functions            = "upsim.TestFunctionsAgreeWithTheVectors"
		noCiphers            = "The Chinese national ciphers are not built; SM3 is in the simulator alone."
	)
	return map[string][]string{
		"tencent.tc3.cvm.current-doc": {tc3, tc3Driver},
		"tencent.tc3.cvm.older-doc":   {tc3},
		"sim.tencent.tc3.sendsms":     {tc3, tc3Driver},
		"tencent.v1.hmac-sha1":        {"Tencent's first signature is only there to be recognised: drivers sign with TC3, and the simulator takes nothing else."},
		"tencent.sms-legacy.sig":      {"The older interface of Tencent's messages is not offered."},
		"tencent.rapidauth.sig":       {"upsim.TestRapidAuthRefusesMutants"},

		"aliyun.rpc.describe-regions":         {aliyunRPC},
		"aliyun.rpc.describe-dedicated-hosts": {aliyunRPC},
		"aliyun.rpc.dysms-sendsms":            {aliyunRPC},
		"aliyun.rpc.describe-regions.post":    {aliyunRPC},
		"aliyun.acs3.run-instances":           {acs3, acs3Driver},
		"sim.aliyun.acs3.sendsms":             {acs3, acs3Driver},
		"sim.aliyun.rpc.sendsms":              {aliyunRPC},

		"wechat.encrypted-data.userinfo":  {"provider.TestVectorWeChatEncryptedDataUserInfo"},
		"wechat.rawdata.signature":        {"provider.TestVectorWeChatRawDataSignature"},
		"sim.wechat.encrypted-data.phone": {"provider.TestVectorWeChatEncryptedDataPhone"},
		"wechat.session-signature.post":   {functions},
		"wechat.checksession.signature":   {functions},
		"wechat.jsapi.signature":          {"No call of the two sign-in pages configures WeChat's JS-SDK; an app's own server does that."},
		"wecom.callback.verify-url":       {"WeCom's events come to an app's own server; people come back from it by a redirect, which has no message."},
		"sim.wechat.ids":                  {"upsim.TestIdentitiesAreTheSameInEveryRun"},

		"sim.yidun.oneclick.default":          {yidun, yidunDriver},
		"sim.yidun.oneclick.MD5":              {yidun, yidunDriver},
		"sim.yidun.oneclick.SHA1":             {yidun, yidunDriver},
		"sim.yidun.oneclick.SHA256":           {yidun, yidunDriver},
		"sim.yidun.oneclick.SM3":              {yidun},
		"sim.cmpassport.login-token-validate": {"upsim.TestCMCCRefusesMutants"},
		"sim.geetest.v4.sign-token":           {"GeeTest's captcha is not offered; its one-tap sign-in has a vector of its own."},
		"sim.geetest.onelogin.sign":           {"upsim.TestOneLoginRefusesMutants"},

		"twilio.request-signature": {functions, "sms.TestM6TwilioReportsAreSigned"},
		"twilio.body-sha256":       {"Twilio reports deliveries in forms; bodies of JSON come of products we do not use."},
		"aws.sigv4.get-vanilla":    {"There is no driver for Amazon's messages."},
		"dingtalk.sns.signature":   {"upsim.TestDingTalkSignatureVector"},
		"oidc.pkce.s256":           {"upsim.TestOIDCChecksThePKCEVector", "provider.TestDriversSatisfyTheSimulatedVendors", "oidc.TestCodeWorksOnce"},

		"sm3.abc":     {functions},
		"sm3.abcd16":  {functions},
		"sm4.block":   {noCiphers},
		"sm2.sign":    {noCiphers},
		"sm2.decrypt": {noCiphers},

		"sasl.cram-md5":        {"upsim.TestSASLCRAMVector"},
		"sasl.plain":           {"upsim.TestSASLPlainVector"},
		"sasl.scram-sha-256":   {"upsim.TestSASLSCRAMVector", "mail.TestSCRAMSaysWhatTheStandardSays"},
		"dkim.bodyhash":        {"upsim.TestDKIMVectors", "mail.TestDKIMAgreesWithTheVectors"},
		"dkim.rfc8463.ed25519": {"upsim.TestDKIMVectors", "mail.TestDKIMAgreesWithTheVectors"},
		"dkim.rfc8463.rsa":     {"upsim.TestDKIMVectors", "mail.TestDKIMAgreesWithTheVectors"},
		"mime.rfc2047.subject": {"upsim.TestRFC2047Vectors"},
		"mime.rfc2047.q":       {"upsim.TestRFC2047Vectors"},
	}
}

// signatureVector is one value with what it is computed from. Copies of it lie with the
// tests that use it.
type signatureVector struct {
	ID       string `json:"id"`
	Inputs   any    `json:"inputs"`
	Expected any    `json:"expected"`
}

// Every vector of vendors' signatures is a test, or there is a reason why not.
func TestEveryVectorIsUsed(t *testing.T) {
	known := map[string]signatureVector{}
	for _, v := range readVectors(t, filepath.Join("testdata", "vectors.json")) {
		known[v.ID] = v
	}
	exists, held := proofs(t), heldVectors(t, known)
	uses := vectorUses()
	for id := range known {
		if len(uses[id]) == 0 {
			t.Errorf("vector %s: no test and no reason", id)
		}
	}
	for id, tests := range uses {
		if _, ok := known[id]; !ok {
			t.Errorf("there is no vector %s", id)
		}
		for _, test := range tests {
			name, _, ok := strings.Cut(test, ".Test")
			switch {
			case !ok && strings.HasSuffix(test, "."): // a reason
			case !exists[test]:
				t.Errorf("vector %s: no test %s", id, test)
			case !slices.Contains(held[id], name):
				t.Errorf("vector %s: the tests of %s do not have its values", id, name)
			}
		}
	}
}

// heldVectors returns the packages whose tests have a vector's expected value, and checks
// that copies of vectors are true ones.
func heldVectors(t *testing.T, known map[string]signatureVector) map[string][]string {
	t.Helper()
	held := map[string][]string{}
	base := filepath.Join(root(t), "internal")
	err := filepath.WalkDir(base, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Name() == "vectors_test.go" || !strings.HasSuffix(path, "_test.go") && !strings.Contains(path, "testdata") {
			return nil
		}
		owner, _, _ := strings.Cut(path, string(filepath.Separator)+"testdata")
		if owner == path {
			owner = filepath.Dir(path)
		}
		if owner == filepath.Join(base, "archtest") {
			return nil
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for id, v := range known {
			if holds(string(raw), v.Expected) {
				held[id] = append(held[id], filepath.Base(owner))
			}
		}
		for _, copied := range copies(raw) {
			v, ok := known[copied.ID]
			if !ok {
				continue
			}
			held[v.ID] = append(held[v.ID], filepath.Base(owner))
			if diff := cmp.Diff(v, copied); diff != "" {
				t.Errorf("%s: the copy of %s differs: %s", path, copied.ID, diff)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return held
}

// holds reports whether a text has every text of an expected value. Of a value that is none
// only a copy of the vector tells.
func holds(text string, expected any) bool {
	switch e := expected.(type) {
	case string:
		return strings.Contains(text, e)
	case map[string]any:
		for _, inner := range e {
			if !holds(text, inner) {
				return false
			}
		}
		return len(e) > 0
	}
	return false
}

func readVectors(t *testing.T, path string) []signatureVector {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	all := copies(raw)
	if len(all) == 0 {
		t.Fatalf("%s has no vectors", path)
	}
	return all
}

// copies reads vectors in either form of their files, none if it is another file.
func copies(raw []byte) []signatureVector {
	var list []signatureVector
	if json.Unmarshal(raw, &list) == nil {
		return list
	}
	var file struct {
		Vectors []signatureVector `json:"vectors"`
	}
	if json.Unmarshal(raw, &file) != nil {
		return nil
	}
	return file.Vectors
}
