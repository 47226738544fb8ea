using DiffSynthSharp.Tokenizers;
using DiffSynthSharp.Tokenizers.Repair;

namespace DiffSynthSharp.Tests.Tokenizers;

/// <summary>Expected texts are what ftfy 6.3.1 and Python 3.11 give.</summary>
public sealed class TextRepairTests
{
    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("schÃ¶n", "schön")]
    [InlineData("l’humanitÃ©", "l'humanité")]
    [InlineData("voilÃ  le travail", "voilà le travail")]
    [InlineData("Ã la mode", "à la mode")]
    [InlineData("â€œ like this â€\uFFFD", "\" like this \uFFFD")]
    [InlineData("P&EACUTE;REZ &amp;amp; &#233;&#xE9; &bogus; &#xD800;", "PÉREZ & éé &bogus; \uFFFD")]
    [InlineData("&amp; <b> &amp;", "&amp; <b> &amp;")]
    [InlineData("&amp;\n<b> &amp;\n&amp;", "&\n<b> &amp;\n&amp;")]
    [InlineData("ＦＵＬＬ　ﾀｰﾝ ﬂuﬃeﬆ Ǆ", "FULL ターン fluffiest DŽ")]
    [InlineData("\uFEFFa\u001b[31mred\u001b[0m\u0007\r\nb\u2028c", "ared\nb\nc")]
    [InlineData("e\u0301\u0327 \u1112\u1161\u11ab", "ȩ\u0301 한")]
    [InlineData("c1 \u0085 next", "c1 … next")]
    public void Text_is_repaired_as_the_reference_does(string text, string expected) => Assert.Equal(expected, TextRepair.Fix(text));

    [Theory]
    [InlineData("ΣΑΣ ΑΣ. Α'ΣΒ", "σας ας. α'σβ")]
    [InlineData("İẞ𐐀", "i\u0307ß𐐨")]
    public void Lower_case_follows_the_full_mapping(string text, string expected) => Assert.Equal(expected, LowerCase.Of(text));
}
