// Package e2e holds the tests that need more than Go: a real Chromium, the vendors'
// official SDKs and an SMPP message centre from their lockfiles. It is a module of its own, so that
// none of what they need becomes a requirement of the product.
//
// Screenshots of every page go to ../artifacts/screenshots, to be looked at.
package e2e
