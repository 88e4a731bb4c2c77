/** Debian packages from the host's own sources, whatever the host's architecture, without root. */
package sharevm.library.debian;
