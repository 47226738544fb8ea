using DiffSynthSharp.Training.Drawings;

namespace DiffSynthSharp.Training.Tests.Drawings;

public sealed class DrawingTests
{
    [Fact]
    public void A_number_always_gives_the_same_drawing()
    {
        var (first, again) = (DrawingPlan.Of(41), DrawingPlan.Of(41));
        Assert.Equal(first.Caption, again.Caption);
        Assert.Equal(first.Objects, again.Objects);
        Assert.Equal(Drawing.Paint(first), Drawing.Paint(again));
        Assert.NotEqual(Drawing.Paint(first), Drawing.Paint(DrawingPlan.Of(42)));
    }

    [Fact]
    public void Captions_say_exactly_what_is_drawn()
    {
        for (var i = 0; i < 500; i++)
        {
            var plan = DrawingPlan.Of(i);
            var said = string.Join(" and ", plan.Objects.Select(planned => $"{(planned.Words.StartsWith('o') ? "an" : "a")} {planned.Words}"));
            var scene = DrawingWorld.Scenes[plan.Scene];
            var openings = DrawingWorld.Openings.Append("");
            Assert.Contains(plan.Caption, openings.SelectMany(opening => new[] { opening + said, $"{opening}{said} {scene}" }));
        }
    }

    [Fact]
    public void Every_object_colour_and_scene_is_drawn_and_a_quarter_shows_two()
    {
        var plans = Enumerable.Range(0, 2000).Select(i => DrawingPlan.Of(i)).ToList();
        Assert.Equal(DrawingWorld.Objects.Count, plans.SelectMany(plan => plan.Objects).Select(planned => planned.Object).Distinct().Count());
        Assert.Equal(DrawingWorld.Colours.Count, plans.SelectMany(plan => plan.Objects).Select(planned => planned.Colour).Distinct().Count());
        Assert.Equal(DrawingWorld.Scenes.Count, plans.Select(plan => plan.Scene).Distinct().Count());
        Assert.InRange(plans.Count(plan => plan.Objects.Count == 2) / 2000.0, 0.2, 0.3);
    }

    [Fact]
    public void Most_of_an_object_has_its_named_colour()
    {
        var square = DrawingWorld.Objects.ToList().IndexOf("square");
        var plans = Enumerable.Range(0, 3000).Select(i => DrawingPlan.Of(i));
        foreach (var plan in plans.Where(plan => plan.Objects.Count == 1 && plan.Objects[0].Object == square).Take(30))
        {
            var picture = Drawing.Paint(plan);
            var colour = DrawingWorld.Colours[plan.Objects[0].Colour];
            var near = Enumerable.Range(0, Drawing.Side * Drawing.Side).Count(i =>
                Math.Abs(picture[3 * i] - colour.Red) < 30
                && Math.Abs(picture[3 * i + 1] - colour.Green) < 30
                && Math.Abs(picture[3 * i + 2] - colour.Blue) < 30);
            Assert.True(near > 1500, $"{plan.Caption}: {near} pixels");
        }
    }
}
