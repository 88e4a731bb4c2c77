/** Virtual machines as people own them: definitions, guests, runs. */
package sharevm.library;
