using System.Text;
using LeapAlign.Contracts.Models;
using LeapAlign.Pipelines;

namespace LeapAlign.Networks.Tests.Pipelines;

/// <summary>The card of an export, word for word: what diffusers has to be told, and nothing that it takes by itself.</summary>
public sealed class ExportCardTests
{
    [Fact]
    public void Of_a_complete_StableDiffusion3Pipeline() => Expect(PipelineFamilies.StableDiffusion3, new ExportCard(256), """
        ---
        library_name: diffusers
        pipeline_tag: text-to-image
        ---

        # Exported by LeapAlign

        A StableDiffusion3Pipeline with a trained transformer; every other component is that of the model it was trained from.

        ```python
        from diffusers import StableDiffusion3Pipeline

        pipeline = StableDiffusion3Pipeline.from_pretrained("this folder")
        pipeline("a caption")
        ```

        Captions were encoded with 256 tokens of T5, which is what diffusers takes by default.

        """);

    [Fact]
    public void Of_a_StableDiffusion3Pipeline_that_learned_its_guidance() => Expect(PipelineFamilies.StableDiffusion3, new ExportCard(256) { LearnedGuidance = true }, """
        ---
        library_name: diffusers
        pipeline_tag: text-to-image
        ---

        # Exported by LeapAlign

        A StableDiffusion3Pipeline with a trained transformer; every other component is that of the model it was trained from.

        ```python
        from diffusers import StableDiffusion3Pipeline

        pipeline = StableDiffusion3Pipeline.from_pretrained("this folder")
        pipeline("a caption", guidance_scale=1)
        ```

        Captions were encoded with 256 tokens of T5, which is what diffusers takes by default.

        The transformer learned the guidance that it was trained with and draws without any. diffusers guides unless it is told, and then draws other pictures at twice the cost: pass `guidance_scale=1`.

        """);

    [Fact]
    public void Of_a_StableDiffusion3Pipeline_without_T5_at_another_length() => Expect(PipelineFamilies.StableDiffusion3, new ExportCard(77), """
        ---
        library_name: diffusers
        pipeline_tag: text-to-image
        ---

        # Exported by LeapAlign

        A StableDiffusion3Pipeline with a trained transformer; every other component is that of the model it was trained from.

        ```python
        from diffusers import StableDiffusion3Pipeline

        pipeline = StableDiffusion3Pipeline.from_pretrained("this folder", text_encoder_3=None, tokenizer_3=None)
        pipeline("a caption", max_sequence_length=77)
        ```

        Captions were encoded with 77 tokens of T5. diffusers takes 256 unless it is told, and then draws other pictures: pass `max_sequence_length=77`.

        It has no T5 encoder, as its source had none. diffusers opens such a folder only when it is told, as above.

        """, "text_encoder_3", "tokenizer_3");

    [Fact]
    public void Of_a_FluxPipeline_with_a_guidance_of_its_own() => Expect(PipelineFamilies.Flux, new ExportCard(256, 1.5), """
        ---
        library_name: diffusers
        pipeline_tag: text-to-image
        ---

        # Exported by LeapAlign

        A FluxPipeline with a trained transformer; every other component is that of the model it was trained from.

        ```python
        from diffusers import FluxPipeline

        pipeline = FluxPipeline.from_pretrained("this folder")
        pipeline("a caption", max_sequence_length=256, guidance_scale=1.5)
        ```

        Captions were encoded with 256 tokens of T5. diffusers takes 512 unless it is told, and then draws other pictures: pass `max_sequence_length=256`.

        The transformer was trained at guidance 1.5. diffusers takes 3.5 unless it is told, and then draws other pictures: pass `guidance_scale=1.5`.

        """);

    [Theory]
    [InlineData(1, false, "guidance_scale=0")]
    [InlineData(3.5, false, "guidance_scale=2.5")]
    [InlineData(3.5, true, "guidance_scale=0")]
    public void Of_a_ZImagePipeline_whose_guidance_counts_from_0(double guidance, bool learned, string argument)
    {
        var card = Text(PipelineFamilies.ZImage, learned ? new ExportCard(512) { LearnedGuidance = true } : new ExportCard(512, guidance));
        Assert.Contains($"pipeline(\"a caption\", {argument})\n", card, StringComparison.Ordinal);
        Assert.Contains($"pass `{argument}`", card, StringComparison.Ordinal);
        Assert.Contains("Captions were cut to 512 tokens of Qwen3, which is what diffusers takes by default.", card, StringComparison.Ordinal);
        Assert.DoesNotContain("None", card, StringComparison.Ordinal);
    }

    [Fact]
    public void What_diffusers_takes_by_itself_is_not_in_the_call()
    {
        var flux = Text(PipelineFamilies.Flux, new ExportCard(512, 3.5));
        Assert.Contains("pipeline(\"a caption\")\n", flux, StringComparison.Ordinal);
        Assert.Contains("The transformer was trained at guidance 3.5, which is what diffusers takes by default.", flux, StringComparison.Ordinal);
        // A network without such an input, FLUX.1-schnell's for instance, does not look at guidance_scale.
        Assert.DoesNotContain("guidance", Text(PipelineFamilies.Flux, new ExportCard(512)), StringComparison.Ordinal);
        Assert.DoesNotContain("guidance", Text(PipelineFamilies.StableDiffusion3, new ExportCard(256, 7)), StringComparison.Ordinal);
    }

    private static void Expect(PipelineFamily family, ExportCard card, string text, params string[] absent) => Assert.Equal(text.ReplaceLineEndings("\n"), Text(family, card, absent));

    private static string Text(PipelineFamily family, ExportCard card, params string[] absent) => Encoding.UTF8.GetString(card.Bytes(new PipelineFolder
    {
        Family = family,
        Folder = "",
        Components = [.. family.Components.Select(static component => component.Name).Except(absent)],
        Scheduling = new FlowScheduling(),
    }));
}
