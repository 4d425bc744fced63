package puzzle

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/tigertally/tigertally/internal/driver"
)

const (
	tencentName    = "tencent"
	tencentBase    = "https://captcha.tencentcloudapi.com"
	tencentVersion = "2019-07-22"
	tencentSolved  = 1
	tencentEvil    = 100
	// tencentDisaster starts the tickets their script makes itself when their service is
	// away. They prove nothing.
	tencentDisaster = "trerror_"

	aliyunName    = "aliyun"
	aliyunBase    = "https://captcha.cn-shanghai.aliyuncs.com"
	aliyunVersion = "2023-03-05"
)

func tencentOptions() []driver.Option {
	return options(tencentBase,
		driver.Option{Name: "secret_id", Doc: "SecretId of the API key.", Required: true},
		driver.Option{Name: "secret_key", Doc: "SecretKey of the API key.", Required: true, Secret: true},
		driver.Option{Name: "app_id", Doc: "CaptchaAppId.", Required: true},
		driver.Option{Name: "app_secret", Doc: "AppSecretKey of the captcha.", Required: true, Secret: true},
	)
}

func aliyunOptions() []driver.Option {
	return options(aliyunBase,
		driver.Option{Name: "access_key_id", Doc: "AccessKey ID.", Required: true},
		driver.Option{Name: "access_key_secret", Doc: "AccessKey secret.", Required: true, Secret: true},
		driver.Option{Name: "scene_id", Doc: "Scene of the captcha.", Required: true},
	)
}

// tencent asks Tencent Cloud captcha.
// https://cloud.tencent.com/document/product/1110/36926
type tencent struct {
	vendor

	key    driver.TencentKey
	appID  int64
	secret string
	now    func() time.Time
}

func newTencent(set map[string]string, now func() time.Time) (Verifier, error) {
	v, err := open(tencentName, tencentBase, set, now)
	if err != nil {
		return nil, err
	}
	id, err := strconv.ParseInt(set["app_id"], 10, 64)
	if err != nil {
		return nil, errors.New("captcha tencent app_id is not a number")
	}
	return &tencent{
		vendor: v, key: driver.TencentKey{ID: set["secret_id"], Secret: set["secret_key"]},
		appID: id, secret: set["app_secret"], now: now,
	}, nil
}

// Verify asks about one ticket.
func (t *tencent) Verify(ctx context.Context, s Solution) error {
	if err := plausible(s, maxResponse); err != nil {
		return err
	}
	if strings.HasPrefix(s.Response, tencentDisaster) {
		return wrong("own_ticket", "a ticket of the page's own making")
	}
	body, err := json.Marshal(map[string]any{
		"CaptchaType": 9, "Ticket": s.Response, "Randstr": s.Random, "UserIp": s.IP,
		"CaptchaAppId": t.appID, "AppSecretKey": t.secret,
	})
	if err != nil {
		return t.unavailable(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.base+"/", bytes.NewReader(body))
	if err != nil {
		return t.unavailable(err)
	}
	t.key.Sign(req, body, driver.TencentCall{
		Service: "captcha", Action: "DescribeCaptchaResult", Version: tencentVersion, At: t.now(),
	})
	said, err := t.ask(req)
	if err != nil {
		return err
	}
	var a struct {
		Response struct {
			Error       *struct{ Code string }
			CaptchaCode *int
			EvilLevel   int
		}
	}
	err = json.Unmarshal(said, &a)
	r := a.Response
	switch {
	case err != nil || (r.Error == nil && r.CaptchaCode == nil):
		return t.unavailable(errors.New("the answer is not the vendor's"))
	case r.Error != nil:
		return t.unavailable(fmt.Errorf("said %.80q", r.Error.Code))
	case *r.CaptchaCode != tencentSolved || r.EvilLevel >= tencentEvil:
		return wrong("vendor_"+strconv.Itoa(*r.CaptchaCode), fmt.Sprintf("tencent said %d, evil %d", *r.CaptchaCode, r.EvilLevel))
	}
	return nil
}

// aliyun asks Aliyun captcha 2.0.
// https://help.aliyun.com/zh/captcha/captcha2-0/user-guide/server-integration
type aliyun struct {
	vendor

	key   driver.AliyunKey
	scene string
	now   func() time.Time
}

func newAliyun(set map[string]string, now func() time.Time) (Verifier, error) {
	v, err := open(aliyunName, aliyunBase, set, now)
	return &aliyun{
		vendor: v, key: driver.AliyunKey{ID: set["access_key_id"], Secret: set["access_key_secret"]},
		scene: set["scene_id"], now: now,
	}, err
}

// Verify asks about one verify param, which goes on as it came.
func (a *aliyun) Verify(ctx context.Context, s Solution) error {
	if err := plausible(s, maxResponse); err != nil {
		return err
	}
	query := driver.AliyunQuery(url.Values{"SceneId": {a.scene}, "CaptchaVerifyParam": {s.Response}})
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.base+"/?"+query, http.NoBody)
	if err != nil {
		return a.unavailable(err)
	}
	a.key.Sign(req, nil, driver.AliyunCall{Action: "VerifyIntelligentCaptcha", Version: aliyunVersion, At: a.now()})
	said, err := a.ask(req)
	if err != nil {
		return err
	}
	var answer struct {
		Result *struct {
			VerifyResult bool
			VerifyCode   string
		}
	}
	switch err := json.Unmarshal(said, &answer); {
	case err != nil || answer.Result == nil:
		return a.unavailable(errors.New("the answer is not the vendor's"))
	case !answer.Result.VerifyResult:
		return wrong("vendor_refused", fmt.Sprintf("aliyun said %.16q", answer.Result.VerifyCode))
	}
	return nil
}
