package authing

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/tigertally/tigertally/internal/errs"
	"github.com/tigertally/tigertally/internal/media"
	"github.com/tigertally/tigertally/internal/web"
)

func (p *Protocol) uploadRoutes() []route {
	return []route{
		post(UploadPath, web.Handle(p, p.upload)),
		get(media.Path+"{id}", web.Handle(p, p.picture)),
	}
}

// The one address that takes more than a small body, and how much: a picture and the
// lines around it.
const (
	UploadPath = "/api/v2/upload"
	MaxUpload  = media.MaxSize + 64<<10
)

// uploaded is where the picture is from now on.
type uploaded struct {
	URL string `json:"url"`
	Key string `json:"key"`
}

// upload takes a picture from anybody: mobile clients do not say who or even which
// application they are. Only pictures pass, and nothing is listed anywhere.
func (p *Protocol) upload(w http.ResponseWriter, r *http.Request) error {
	c, err := p.app(r.Context())
	if err != nil {
		return err
	}
	body, err := filePart(r)
	if err != nil {
		return err
	}
	id, err := p.account.SavePicture(r.Context(), c, body)
	if err != nil {
		return err
	}
	web.WriteJSON(w, http.StatusOK, envelope{
		Code: codeOK, Message: messageOK, Data: uploaded{URL: p.url + media.Path + id, Key: id},
	})
	return nil
}

// maxParts bounds the parts looked at for the file.
const maxParts = 16

// filePart returns the bytes of the part called file.
func filePart(r *http.Request) ([]byte, error) {
	invalid := errs.New(errs.ImageInvalid)
	reader, err := r.MultipartReader()
	if err != nil {
		return nil, invalid.Because(err)
	}
	for range maxParts {
		part, err := reader.NextPart()
		if err != nil {
			return nil, invalid.Because(err)
		}
		if part.FormName() == "file" {
			return readPart(part)
		}
	}
	return nil, invalid
}

func readPart(part *multipart.Part) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(part, media.MaxSize+1))
	if _, over := errors.AsType[*http.MaxBytesError](err); over || len(body) > media.MaxSize {
		return nil, errs.New(errs.ImageInvalid).Because(err)
	}
	if err != nil {
		return nil, errs.New(errs.BadRequest, "field", "file").Because(err)
	}
	return body, nil
}

// picture serves an uploaded picture. Its id stands for these very bytes, for ever; and
// whatever they are, a browser may only draw them.
func (p *Protocol) picture(w http.ResponseWriter, r *http.Request) error {
	m, err := p.media.Open(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", m.Mime)
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	_, _ = w.Write(m.Body) // the client is gone when this fails
	return nil
}
