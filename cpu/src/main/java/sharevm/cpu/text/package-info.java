/** Instructions as text. */
package sharevm.cpu.text;
