/** Guests that ShareVM puts together by itself. */
package sharevm.library.guest;
