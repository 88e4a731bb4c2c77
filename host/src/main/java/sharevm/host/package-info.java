/** Native services behind Java types: guest memory, executable memory, the terminal. */
package sharevm.host;
