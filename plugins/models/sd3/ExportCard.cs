using System.Globalization;
using System.Text;

namespace LeapAlign.Models.Sd3;

/// <summary>The README.md of an export: how diffusers has to be called to draw the pictures that LeapAlign draws.</summary>
internal static class ExportCard
{
    /// <summary>Its name in the export.</summary>
    public const string FileName = "README.md";

    // What diffusers' pipeline takes when it is called without max_sequence_length.
    private const int DiffusersTextLength = 256;

    /// <summary>The text.</summary>
    /// <param name="textLength">Tokens of T5 that the model was trained with, or of the zeros that stand in for it.</param>
    /// <param name="hasT5">Whether the export has the T5 encoder.</param>
    public static byte[] Of(int textLength, bool hasT5)
    {
        string Words(FormattableString words) => words.ToString(CultureInfo.InvariantCulture);
        var isDefault = textLength == DiffusersTextLength;
        var opening = hasT5 ? "" : ", text_encoder_3=None, tokenizer_3=None";
        var call = isDefault ? "" : Words($", max_sequence_length={textLength}");
        var parts = hasT5 ? "" : "\n\nIt has no T5 encoder, as its source had none. diffusers opens such a folder only when it is told, as above.";
        var length = isDefault
            ? Words($"Captions were encoded with {textLength} tokens of T5, which is what diffusers takes by default.")
            : Words($"Captions were encoded with {textLength} tokens of T5. diffusers takes {DiffusersTextLength} unless it is told, and then draws other pictures: pass `max_sequence_length={textLength}`.");
        return Encoding.UTF8.GetBytes($"""
            ---
            library_name: diffusers
            pipeline_tag: text-to-image
            ---

            # Exported by LeapAlign

            A StableDiffusion3Pipeline with a trained transformer; every other component is that of the model it was trained from.

            ```python
            from diffusers import StableDiffusion3Pipeline

            pipeline = StableDiffusion3Pipeline.from_pretrained("this folder"{opening})
            pipeline("a caption"{call})
            ```

            {length}{parts}

            """.ReplaceLineEndings("\n"));
    }
}
