using LeapAlign.Contracts.Flow;
using LeapAlign.Contracts.Models;
using LeapAlign.Contracts.Planning;
using LeapAlign.Contracts.Plugins;
using LeapAlign.Models.Sd3;
using LeapAlign.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using static TorchSharp.torch;

namespace LeapAlign.Networks.Tests.Models;

/// <summary>Pieces of a model's work: together they are the work.</summary>
public sealed class WorkPiecesTests
{
    public static TheoryData<string, int> Cases => new(from family in (string[])["sd3", "flux", "z-image"] from blocks in (int[])[0, 1, 2] select (family, blocks));

    [Theory]
    [MemberData(nameof(Cases))]
    public void The_pieces_of_a_stage_do_as_many_multiply_adds_as_the_stage(string family, int blocks)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var model = Open(family, blocks);
        using var owner = (IDisposable)model;
        const int samples = 2;
        // So small that the decoder is planned from a picture of the same size.
        var edge = family == "sd3" ? model.NativeSize.Width : model.NativeSize.Width / 8;
        // Captions as long as they may be: where they keep their length, that is what is planned.
        string[] captions = [.. ((string[])["a", "b"]).Select(static word => string.Join(' ', Enumerable.Repeat(word, 600)))];
        foreach (var size in (ImageSize[])[new ImageSize(edge, edge), new ImageSize(edge, edge / 2)])
        {
            var latents = randn(Recording.Require(model.Latents(size)).Batch(samples));
            using var conditioning = model.Encode(new ConditioningRequest(captions, Guidance.None, size));
            var pieces = ((IPlannedModel)model).Work(size, samples);
            Assert.Equal(WorkCount.Of(() => model.Velocity(latents, [0.5], conditioning)), Sum(pieces, WorkStage.Velocity));
            Assert.Equal(WorkCount.Of(() => model.Decode(latents)), Sum(pieces, WorkStage.Decode));
        }
    }

    [Fact]
    public void The_decoder_of_a_large_picture_is_planned_from_a_smaller_one()
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var model = Open("sd3", 1);
        using var owner = (IDisposable)model;
        var latents = new LatentSpace([Recording.Require(model.Latents(model.NativeSize)).Shape[0], 64, 64], 0).Batch(1);
        var whole = WorkCount.Of(() => model.Decode(randn(latents)));
        var pieces = ((Sd3Model)model).Networks.Autoencoder.Work(latents, CPU);
        Assert.Equal(4, pieces.Scale);
        // All but the attention in the middle grows with the area; the miniature has few channels beside it.
        Assert.InRange(Sum([pieces], WorkStage.Decode) / whole, 0.6, 1);
    }

    [Theory]
    [InlineData("sd3")]
    [InlineData("flux")]
    [InlineData("z-image")]
    public void A_frozen_model_knows_how_many_numbers_would_be_trained(string family)
    {
        var (frozen, trained) = (Open(family, 0), Open(family, 0, isFrozen: false));
        using var first = (IDisposable)frozen;
        using var second = (IDisposable)trained;
        Assert.Empty(frozen.Parameters);
        Assert.Equal(trained.Parameters.Sum(static parameter => parameter.Value.numel()), ((IPlannedModel)frozen).TrainableNumbers);
    }

    [Theory]
    [InlineData("sd3")]
    [InlineData("flux")]
    [InlineData("z-image")]
    public void A_piece_that_is_computed_again_keeps_less_and_goes_through_blocks_in_turn(string family)
    {
        using var scope = NewDisposeScope();
        var model = Open(family, 1);
        using var owner = (IDisposable)model;
        var edge = family == "sd3" ? model.NativeSize.Width : model.NativeSize.Width / 8;
        foreach (var piece in ((IPlannedModel)model).Work(new ImageSize(edge, edge), 1).Where(static piece => piece.Name.StartsWith("block", StringComparison.Ordinal)))
        {
            Assert.Equal(Math.Min(3, (int)piece.Times), piece.Variants);
            var inputs = piece.Inputs();
            using var _ = no_grad();
            var outputs = Enumerable.Range(0, piece.Variants + 1).Select(_ => piece.Compute(inputs)[0]).ToArray();
            Assert.True(outputs[0].equal(outputs[^1]).all().item<bool>());
            Assert.All(outputs[1..^1], output => Assert.False(outputs[0].equal(output).all().item<bool>()));
        }
    }

    private static double Sum(IEnumerable<WorkPiece> pieces, WorkStage stage) => pieces.Where(piece => piece.Stage == stage).Sum(static piece => piece.Times * piece.Scale * WorkCount.Of(() => piece.Compute(piece.Inputs())));

    private static IModel Open(string family, int blocks, bool isFrozen = true)
    {
        var context = new PartContext
        {
            Name = family,
            BaseFolder = Repository.Root,
            Device = CPU,
            ComputeType = ScalarType.Float32,
            IsFrozen = isFrozen,
            BlocksPerCheckpoint = blocks,
            Logger = NullLogger.Instance,
            Warn = static _ => { },
        };
        return Recording.Require(SmallFamilies.Open(family, context));
    }
}
