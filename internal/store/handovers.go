package store

import (
	"time"

	"github.com/go-json-experiment/json"

	"countersign/internal/verify"
)

// handoverRow is a handover as it is stored: short names and milliseconds, since every
// delivery has one.
type handoverRow struct {
	Carrier   string               `json:"c"`
	CarrierID string               `json:"i,omitzero"`
	Unnamed   bool                 `json:"u,omitzero"`
	State     verify.DeliveryState `json:"s,omitzero"`
	Class     verify.Class         `json:"r,omitzero"`
	Why       string               `json:"w,omitzero"`
	Line      verify.Line          `json:"l,omitzero"`
	Times     int                  `json:"n,omitzero"`
	At        int64                `json:"a"`
	Took      int64                `json:"t,omitzero"`
	Word      int64                `json:"o,omitzero"`
	Early     bool                 `json:"e,omitzero"`
}

func handoversText(list []verify.Handover) string {
	if len(list) == 0 {
		return ""
	}
	rows := make([]handoverRow, len(list))
	for i, h := range list {
		rows[i] = handoverRow{
			h.Carrier, h.CarrierID, h.Unnamed, h.State, h.Class, h.Why, h.Line, h.Times, millis(h.At), h.Took.Milliseconds(), 0, h.Early,
		}
		if !h.Word.IsZero() {
			rows[i].Word = millis(h.Word)
		}
	}
	text, err := json.Marshal(rows)
	if err != nil { // strings that the core has made printable
		panic(err)
	}
	return string(text)
}

func parseHandovers(text string) ([]verify.Handover, error) {
	if text == "" {
		return nil, nil
	}
	var rows []handoverRow
	if err := json.Unmarshal([]byte(text), &rows); err != nil {
		return nil, err
	}
	list := make([]verify.Handover, len(rows))
	for i, r := range rows {
		list[i] = verify.Handover{
			Carrier: r.Carrier, CarrierID: r.CarrierID, Unnamed: r.Unnamed, State: r.State, Class: r.Class, Why: r.Why,
			Line: r.Line, Times: r.Times, At: instant(r.At), Took: time.Duration(r.Took) * time.Millisecond, Early: r.Early,
		}
		if r.Word != 0 {
			list[i].Word = instant(r.Word)
		}
	}
	return list, nil
}

func scanDeliveryKey(row scanner) (k verify.DeliveryKey, err error) {
	var id []byte
	if err = row.Scan(&id, &k.Number); err == nil {
		err = fill(k.Verification[:], id)
	}
	return k, err
}
